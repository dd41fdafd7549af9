/* Numbers side by side in a register, and how each format is read and written. Part 3. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __F16C__ /* instructions for float16: every x86 processor since 2013 has them */
#include <immintrin.h>
#endif

enum { LINE = 64 /* bytes that memory hands over at once */ };
#if defined __AVX512F__
enum { LANES = 16 };
#elif defined __AVX__
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

/* As many numbers as one register holds. A wider type would be taken apart, one by one. */
typedef float floats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES), aligned(2), may_alias));

/* Each format: read a register full, widen one number to float32, narrow one to the format. */

static inline floats read_float32(const float *from) { return *(const floats *)from; }
static inline float widen_float32(float x) { return x; }
static inline float narrow_float32(float x) { return x; }

/* A bfloat16 is the upper half of a float32. */
static inline floats read_bfloat16(const uint16_t *from) {
    return (floats)(__builtin_convertvector(*(const halves *)from, words) << 16);
}
static inline float widen_bfloat16(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}
static inline uint16_t narrow_bfloat16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return (uint16_t)(bits >> 16 | 0x40);            /* not a number stays that */
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16); /* to the nearest, ties to even */
}

#ifdef __F16C__
static inline floats read_float16(const uint16_t *from) {
#ifdef __AVX512F__
    return (floats)_mm512_cvtph_ps(_mm256_loadu_si256((const void *)from));
#else
    return (floats)_mm256_cvtph_ps(_mm_loadu_si128((const void *)from));
#endif
}
static inline float widen_float16(uint16_t x) { return _cvtsh_ss(x); }
static inline uint16_t narrow_float16(float x) { return _cvtss_sh(x, 0); }
#endif

/* The sum of a register, by halves: half as many each time. */
static inline float total(floats v) {
    float part[LANES];
    memcpy(part, &v, sizeof part);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) part[i] += part[i + half];
    return part[0];
}

/* e^x, to a few parts in ten million. Cody and Waite's way (1980): x is n ln 2 + r, a polynomial
 * gives e^r, and 2^n goes straight into the exponent's bits. */
static inline floats exponential(floats x) {
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds, and leaves n in the low bits */
    const floats zero = {0};
    words low = (words)(x < -87.0f), high = (words)(x > 88.0f); /* there, float32 is at its end */
    x = (floats)((~(low | high) & (words)x) | (low & (words)(zero - 87.0f)) |
                 (high & (words)(zero + 88.0f)));
    floats shifted = x * 1.44269504f + magic;
    floats n = shifted - magic;
    floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
    floats p = r * 1.98756915e-4f + 1.39819995e-3f;
    p = p * r + 8.33345191e-3f;
    p = p * r + 4.16657959e-2f;
    p = p * r + 1.66666655e-1f;
    p = p * r + 5.00000012e-1f;
    p = p * r * r + r + 1.0f;
    return (floats)((words)p + ((words)shifted << 23));
}
