// qsort as ggml-quants.c needs it, in the place of libc's. What it sorts for its tables, millions of times, is pairs
// of ints: a squared distance, and an index that rises from pair to pair; by the first, then by the second. To count
// how often each distance is there does that several times as fast.
#include <stddef.h>
#include <string.h>

/** The longest list of points, and the largest distance between two of them: 4 * 14^2, of IQ3. */
#define MAX_PAIRS 1024
#define MAX_KEY 1024

typedef struct {
    int key;
    int index;
} pair;

void qsort(void * base, size_t n, size_t size, int (*compare)(const void *, const void *)) {
    static pair sorted[MAX_PAIRS];
    int ends[MAX_KEY + 1] = {0};
    const pair * pairs = base;

    (void) compare;
    if (size != sizeof(pair) || n > MAX_PAIRS) __builtin_trap();
    for (size_t i = 0; i < n; i++) {
        if (pairs[i].key < 0 || pairs[i].key >= MAX_KEY) __builtin_trap();
        ends[pairs[i].key + 1]++;
    }
    for (int key = 0; key < MAX_KEY; key++) ends[key + 1] += ends[key];
    for (size_t i = 0; i < n; i++) sorted[ends[pairs[i].key]++] = pairs[i];
    memcpy(base, sorted, n * sizeof(pair));
}
