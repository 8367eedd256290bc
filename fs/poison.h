/* What a chunk holds under --damaged poison where it cannot be made: bytes that no codec decodes, for readers
 * that take a read error for a chunk that does not exist. */
#pragma once

#include "codec/base.h"

/* Bytes off .. off+n-1 of it into out. There is no end. */
void poison_fill(uint8_t *out, uint64_t off, uint64_t n);
