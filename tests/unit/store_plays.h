/* Plays of one subject each in the store's world. */
#pragma once

#include <check.h>

TCase *store_plays(void);
