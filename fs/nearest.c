#include "fs/nearest.h"

#include <string.h>

enum { MAX_WORD = 40 };

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b, one each. */
static size_t edit_distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t d[MAX_WORD + 1][MAX_WORD + 1];
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t k = 0; k <= m; k++)
		d[0][k] = k;
	for (size_t i = 1; i <= n; i++)
		for (size_t k = 1; k <= m; k++) {
			size_t best = d[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
			best = min_u64(best, min_u64(d[i - 1][k], d[i][k - 1]) + 1);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				best = min_u64(best, d[i - 2][k - 2] + 1);
			d[i][k] = best;
		}
	return d[n][m];
}

void nearest_init(struct nearest *n, const char *asked, size_t len)
{
	/* More than half of the word wrong is no slip of the finger. */
	*n = (struct nearest){ .asked = asked, .len = len, .distance = len + 2 };
}

void nearest_offer(struct nearest *n, const char *word)
{
	size_t len = strlen(word);
	if (n->len > MAX_WORD || len > MAX_WORD)
		return;
	size_t same = 0;
	while (same < n->len && same < len && n->asked[same] == word[same])
		same++;
	/* A common beginning halves what the rest costs: "chunks" means "chunk-shape", not "unit". */
	size_t edits = edit_distance(n->asked, n->len, word, len);
	size_t d = 2 * edits - min_u64(same, edits);
	if (d < n->distance) {
		n->distance = d;
		n->word = word;
	}
}
