/* y = then(x W^T + bias) + add. Part 3.
 *
 * W lies in panels of WIDTH outputs: panel[p][i][o], one input after the other. A thread walks
 * through a panel from its beginning to its end. With one token that is all: each weight is read
 * once, in the order in which it lies in memory, and the time is the memory's. With many, a tile
 * of TOKENS tokens stays in registers while a block of the panel passes, and the block stays in
 * the cache until all tiles have had it: Goto and van de Geijn, "Anatomy of High-Performance
 * Matrix Multiplication" (2008), section 4.
 *
 * x is [T, inputs], bias [outputs], add and y [T, outputs]; bias and add may be absent. The last
 * panel is filled up with zeros. Sums are float32, whatever the format.
 */
#ifndef RUVON_LINEAR
#define RUVON_LINEAR

enum { WIDTH = 32, VECTORS = WIDTH / LANES, DEPTH = 192 /* inputs of a block */ };
#ifdef __AVX512F__
enum { TOKENS = 12 }; /* 24 of 32 registers hold sums */
#else
enum { TOKENS = 3 }; /* 12 of 16 registers of half the size; 24 of 32 of a quarter */
#endif
enum { AHEAD = 4096 /* bytes by which a fetch runs before its use */ };
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

/* sums [tokens, WIDTH] += x [depth, tokens] times a panel [depth, WIDTH]. */
static inline __attribute__((always_inline)) void NAME(tile)(
    const float *x, const NUMBER *panel, long depth, const int tokens, const int fetch, float *sums) {
    floats sum[TOKENS][VECTORS];
    for (int t = 0; t < tokens; t++)
        for (int v = 0; v < VECTORS; v++) sum[t][v] = *(floats *)(sums + t * WIDTH + v * LANES);
    for (long i = 0; i < depth; i++) {
        floats w[VECTORS];
        for (int v = 0; v < VECTORS; v++) w[v] = NAME(read)(panel + i * WIDTH + v * LANES);
        /* Ask now for what is needed a little later: memory takes that long to bring it. */
        if (fetch)
            for (int line = 0; line < WIDTH * (int)sizeof(NUMBER); line += LINE)
                __builtin_prefetch((const char *)(panel + i * WIDTH) + AHEAD + line, 0, 3);
        for (int t = 0; t < tokens; t++)
            for (int v = 0; v < VECTORS; v++) sum[t][v] += x[i * tokens + t] * w[v];
    }
    for (int t = 0; t < tokens; t++)
        for (int v = 0; v < VECTORS; v++) *(floats *)(sums + t * WIDTH + v * LANES) = sum[t][v];
}

/* The same for a number of tokens known only now: a tile of constant size stays in registers. */
static void NAME(tiles)(const float *x, const NUMBER *panel, long depth, int tokens, int fetch,
                        float *sums) {
#define CASE(n) case n: NAME(tile)(x, panel, depth, n, fetch, sums); break
    switch (tokens) {
        CASE(1); CASE(2); CASE(3);
#ifdef __AVX512F__
        CASE(4); CASE(5); CASE(6); CASE(7); CASE(8); CASE(9); CASE(10); CASE(11); CASE(12);
#endif
    }
#undef CASE
}

/* What comes after the sums, for `count` outputs of one token. */
static inline __attribute__((always_inline)) void NAME(finish)(
    const float *sums, const NUMBER *bias, const NUMBER *add, NUMBER *y, const int count, int then) {
    float out[WIDTH];
    memcpy(out, sums, sizeof out);
    if (bias)
        for (int i = 0; i < count; i++) out[i] += NAME(widen)(bias[i]);
    if (then != NONE)
        for (int v = 0; v < VECTORS; v++)
            *(floats *)(out + v * LANES) = activate(*(floats *)(out + v * LANES), then);
    if (add)
        for (int i = 0; i < count; i++) out[i] += NAME(widen)(add[i]);
    for (int i = 0; i < count; i++) y[i] = NAME(narrow)(out[i]);
}

/* The sums of one panel and all tokens: sums [T, WIDTH]. `tiles` is x, a tile of tokens after the
 * other, each [inputs, tokens]. `block` has room for DEPTH x WIDTH. */
static void NAME(multiply)(const float *tiles, const NUMBER *panel, long T, long inputs,
                           float *block, float *sums) {
    memset(sums, 0, T * WIDTH * sizeof(float));
    if (T <= TOKENS) {
        NAME(tiles)(tiles, panel, inputs, T, 1, sums);
        return;
    }
    for (long from = 0; from < inputs; from += DEPTH) {
        long depth = inputs - from < DEPTH ? inputs - from : DEPTH;
        for (long i = 0; i < depth * WIDTH; i += LANES)
            *(floats *)(block + i) = NAME(read)(panel + from * WIDTH + i);
        for (long first = 0; first < T; first += TOKENS) {
            int tokens = T - first < TOKENS ? T - first : TOKENS;
            tiles_float32(tiles + from * T + first * depth, block, depth, tokens, 0,
                          sums + first * WIDTH);
        }
    }
}

void NAME(linear)(const NUMBER *x, const NUMBER *W, const NUMBER *bias, const NUMBER *add,
                  NUMBER *y, long T, long inputs, long outputs, int then, int threads) {
    long panels = (outputs + WIDTH - 1) / WIDTH, share = 1 + panels / (8 * threads);
    float *tiles = malloc(T * inputs * sizeof(float));
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static)
        for (long first = 0; first < T; first += TOKENS) {
            int tokens = T - first < TOKENS ? T - first : TOKENS;
            for (long i = 0; i < inputs; i++) {
                long from = T <= TOKENS ? 0 : i / DEPTH * DEPTH;
                long depth = T <= TOKENS || inputs - from < DEPTH ? inputs - from : DEPTH;
                float *to = tiles + from * T + first * depth + (i - from) * tokens;
                for (int t = 0; t < tokens; t++) to[t] = NAME(widen)(x[(first + t) * inputs + i]);
            }
        }
        float *sums = malloc(T * WIDTH * sizeof(float)), *block = malloc(DEPTH * WIDTH * sizeof(float));
        /* Eight shares a thread: one that is held up, or has a slower core, leaves some to others. */
#pragma omp for schedule(dynamic, share)
        for (long p = 0; p < panels; p++) {
            NAME(multiply)(tiles, W + p * inputs * WIDTH, T, inputs, block, sums);
            long o = p * WIDTH;
            int count = outputs - o < WIDTH ? outputs - o : WIDTH;
            for (long t = 0; t < T; t++) {
                const NUMBER *b = bias ? bias + o : 0, *a = add ? add + t * outputs + o : 0;
                NUMBER *to = y + t * outputs + o;
                if (count == WIDTH) /* a constant, so that many go at once */
                    NAME(finish)(sums + t * WIDTH, b, a, to, WIDTH, then);
                else
                    NAME(finish)(sums + t * WIDTH, b, a, to, count, then);
            }
        }
        free(sums);
        free(block);
    }
    free(tiles);
}
