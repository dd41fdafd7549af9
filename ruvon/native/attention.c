/* One new token of one sequence looks at all that came before. Part 3.
 * And one new token of each of many sequences, at the end of this file. Part 8.
 *
 * PyTorch's fused attention is made for many queries; for one it is mostly preparation. Here the
 * new key and value are stored, and each head reads its keys once and its values once:
 * softmax(q K^T * scale) V, Vaswani et al. (2017), section 3.2.1.
 *
 * q and out are [heads, size], k and v [kv_heads, size], keys and values [kv_heads, capacity,
 * size], of which `length` tokens count, the new one included. `size` is a multiple of 16.
 */
#ifndef RUVON_ATTENTION
#define RUVON_ATTENTION

enum { MOST = 256 /* the largest size */ };

int omp_get_thread_num(void); /* of OpenMP; its header is not everywhere where it is */

/* scores [length, with room up to a multiple of LANES] become weights that sum to 1. */
static inline void softmax(float *scores, long length) {
    float highest = scores[0], sum = 0;
    for (long s = 1; s < length; s++) highest = scores[s] > highest ? scores[s] : highest;
    for (long s = length; s % LANES; s++) scores[s] = -INFINITY;
    for (long s = 0; s < length; s += LANES) {
        floats weights = exponential(*(floats *)(scores + s) - highest);
        *(floats *)(scores + s) = weights;
        sum += total(weights);
    }
    for (long s = 0; s < length; s++) scores[s] /= sum;
}
#endif

/* One head. The sizes that models have are constants, so that q stays in registers. */
static inline __attribute__((always_inline)) void NAME(head)(
    const NUMBER *q, const NUMBER *keys, const NUMBER *values, NUMBER *out, float *scores,
    const long size, long length, float scale) {
    floats wide[MOST / LANES], seen[MOST / LANES];
    for (long i = 0; i < size / LANES; i++) {
        wide[i] = NAME(read)(q + i * LANES) * scale;
        seen[i] = (floats){0};
    }
    for (long s = 0; s < length; s++) {
        floats score = {0};
        for (long i = 0; i < size / LANES; i++)
            score += wide[i] * NAME(read)(keys + s * size + i * LANES);
        scores[s] = total(score);
    }
    softmax(scores, length);
    for (long s = 0; s < length; s++)
        for (long i = 0; i < size / LANES; i++)
            seen[i] += scores[s] * NAME(read)(values + s * size + i * LANES);
    for (long i = 0; i < size; i++) out[i] = NAME(narrow)(seen[i / LANES][i % LANES]);
}

/* One new token's share of one kv head: store its key and value, then let the queries look. */
static inline void NAME(group)(const NUMBER *q, const NUMBER *k, const NUMBER *v, NUMBER *K,
                               NUMBER *V, NUMBER *out, float *scores, long shared, long size,
                               long length, float scale) {
    memcpy(K + (length - 1) * size, k, size * sizeof(NUMBER));
    memcpy(V + (length - 1) * size, v, size * sizeof(NUMBER));
    for (long n = 0; n < shared; n++, q += size, out += size) {
        switch (size) {
        case 32: NAME(head)(q, K, V, out, scores, 32, length, scale); break;
        case 64: NAME(head)(q, K, V, out, scores, 64, length, scale); break;
        case 128: NAME(head)(q, K, V, out, scores, 128, length, scale); break;
        default: NAME(head)(q, K, V, out, scores, size, length, scale);
        }
    }
}

void NAME(attend)(const NUMBER *q, const NUMBER *k, const NUMBER *v, NUMBER *keys, NUMBER *values,
                  NUMBER *out, long heads, long kv_heads, long size, long length, long capacity,
                  float scale, int threads) {
    long room = (length + LANES - 1) / LANES * LANES, shared = heads / kv_heads;
    float *scores = malloc(kv_heads * room * sizeof(float));
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (long head = 0; head < kv_heads; head++) {
        long first = head * shared * size, there = head * capacity * size;
        NAME(group)(q + first, k + head * size, v + head * size, keys + there, values + there,
                    out + first, scores + head * room, shared, size, length, scale);
    }
    free(scores);
}

/* The same for many sequences, a new token each: q and out are [rows, heads, size], k and v [rows,
 * kv_heads, size], keys and values [slots, kv_heads, capacity, size]. Row r is in slots[r], and
 * lengths[r] of its tokens count. */
void NAME(attend_rows)(const NUMBER *q, const NUMBER *k, const NUMBER *v, NUMBER *keys,
                       NUMBER *values, NUMBER *out, const int64_t *slots, const int64_t *lengths,
                       long rows, long heads, long kv_heads, long size, long capacity, float scale,
                       int threads) {
    long room = (capacity + LANES - 1) / LANES * LANES, shared = heads / kv_heads;
    float *scores = malloc(threads * room * sizeof(float));
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(threads)
    for (long row = 0; row < rows; row++) {
        for (long head = 0; head < kv_heads; head++) {
            long first = (row * kv_heads + head) * size;
            long there = (slots[row] * kv_heads + head) * capacity * size;
            NAME(group)(q + first * shared, k + first, v + first, keys + there, values + there,
                        out + first * shared, scores + omp_get_thread_num() * room, shared, size,
                        lengths[row], scale);
        }
    }
    free(scores);
}
