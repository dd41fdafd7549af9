/* Every kernel, once for each number format. Part 3.
 *
 * linear.c and attention.c are written for a format called FORMAT, whose numbers are NUMBERs. They
 * are included here once a format, so that `linear` becomes linear_float32, linear_bfloat16 and
 * linear_float16. Compiled for the machine it runs on by ruvon/native/__init__.py.
 */
#include "numbers.h"

#define JOIN(name, format) name##_##format
#define OF(name, format) JOIN(name, format)
#define NAME(name) OF(name, FORMAT)

#define FORMAT float32
#define NUMBER float
#include "linear.c"
#include "attention.c"
#undef FORMAT
#undef NUMBER

#define FORMAT bfloat16
#define NUMBER uint16_t
#include "linear.c"
#include "attention.c"
#undef FORMAT

#ifdef __F16C__
#define FORMAT float16
#include "linear.c"
#include "attention.c"
#endif
