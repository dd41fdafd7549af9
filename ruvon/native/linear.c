/* y = then(x W^T + bias) + add, for few tokens. Part 3.
 *
 * A decode step uses each weight once, so its time is the time to read the weights. This kernel
 * reads each weight once, in the order in which it lies in memory, whatever its format, and
 * computes in float32. Four rows of W go side by side against up to four tokens: a weight that
 * has arrived is used for all of them while it is in a register.
 *
 * x is [T, inputs], W [outputs, inputs], bias [outputs], add and y [T, outputs]. bias and add may
 * be absent. `inputs` is a multiple of 32, `outputs` at least 4.
 */
#ifndef RUVON_LINEAR
#define RUVON_LINEAR

enum { ROWS = 4, TOKENS = 4 };
enum { NONE, GELU, GELU_TANH, RELU };

/* GELU: Hendrycks and Gimpel 2016, section 2. In its tanh form, (1 + tanh u) / 2 is
 * 1 / (1 + e^-2u), which costs one exponential. */
static inline floats activate(floats x, int then) {
    if (then == GELU_TANH)
        return x / (1.0f + exponential(-1.5957691216f * (x + 0.044715f * x * x * x)));
    if (then == RELU) return (floats)(~(words)(x < 0.0f) & (words)x);
    if (then == GELU)
        for (int i = 0; i < LANES; i++) x[i] *= 0.5f * (1.0f + erff(x[i] * 0.70710678119f));
    return x;
}
#endif

/* One tile: `tokens` of x against ROWS of W. -> sums[token][row] */
static inline __attribute__((always_inline)) void NAME(tile)(
    const float *x, const NUMBER *W, long inputs, const int tokens, int fetch,
    float sums[TOKENS][ROWS]) {
    floats sum[TOKENS][ROWS];
    for (int t = 0; t < tokens; t++)
        for (int r = 0; r < ROWS; r++) sum[t][r] = (floats){0};
    const long step = LINE / sizeof(NUMBER);
    for (long i = 0; i < inputs; i += step) {
        /* Ask now for what the next tile needs: memory takes about that long to bring it. */
        if (fetch)
            for (int r = 0; r < ROWS; r++) __builtin_prefetch(W + (ROWS + r) * inputs + i, 0, 3);
        for (long j = i; j < i + step; j += LANES) {
            floats w[ROWS];
            for (int r = 0; r < ROWS; r++) w[r] = NAME(read)(W + r * inputs + j);
            for (int t = 0; t < tokens; t++) {
                floats v = *(const floats *)(x + t * inputs + j);
                for (int r = 0; r < ROWS; r++) sum[t][r] += v * w[r];
            }
        }
    }
    for (int t = 0; t < tokens; t++)
        for (int r = 0; r < ROWS; r++) sums[t][r] = total(sum[t][r]);
}

void NAME(linear)(const NUMBER *x, const NUMBER *W, const NUMBER *bias, const NUMBER *add,
                  NUMBER *y, long T, long inputs, long outputs, int then, int threads) {
    float *wide = malloc(T * inputs * sizeof(float));
    for (long i = 0; i < T * inputs; i++) wide[i] = NAME(widen)(x[i]);
    long tiles = (outputs + ROWS - 1) / ROWS, share = 1 + tiles / (8 * threads);
    /* Eight shares a thread: one that is held up, or has a slower core, leaves some to the others. */
#pragma omp parallel for schedule(dynamic, share) num_threads(threads)
    for (long tile = 0; tile < tiles; tile++) {
        /* The last tile may overlap the one before it: the same numbers, written twice. */
        long row = tile * ROWS + ROWS <= outputs ? tile * ROWS : outputs - ROWS;
        const NUMBER *rows = W + row * inputs;
        float sums[TOKENS][ROWS];
        for (long first = 0; first < T; first += TOKENS) {
            const float *v = wide + first * inputs;
            int tokens = T - first < TOKENS ? T - first : TOKENS, fetch = first == 0;
            switch (tokens) { /* a tile of constant size stays in registers */
            case 1: NAME(tile)(v, rows, inputs, 1, fetch, sums); break;
            case 2: NAME(tile)(v, rows, inputs, 2, fetch, sums); break;
            case 3: NAME(tile)(v, rows, inputs, 3, fetch, sums); break;
            default: NAME(tile)(v, rows, inputs, 4, fetch, sums);
            }
            for (int t = 0; t < tokens; t++) {
                long at = (first + t) * outputs + row;
                floats out = {0};
                for (int r = 0; r < ROWS; r++)
                    out[r] = sums[t][r] + (bias ? NAME(widen)(bias[row + r]) : 0);
                if (then != NONE) out = activate(out, then);
                for (int r = 0; r < ROWS; r++)
                    y[at + r] = NAME(narrow)(out[r] + (add ? NAME(widen)(add[at + r]) : 0));
            }
        }
    }
    free(wide);
}

/* An activation in place, for the outputs of a product that was not ours. y is [count], which is
 * a multiple of LANES. */
void NAME(activate)(NUMBER *y, long count, int then, int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (long first = 0; first < count; first += LANES) {
        floats out = activate(NAME(read)(y + first), then);
        for (int i = 0; i < LANES; i++) y[first + i] = NAME(narrow)(out[i]);
    }
}
