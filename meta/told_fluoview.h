/* Olympus FluoView's files: their table of axes (tag 34361) is not read, which a note says. */
#pragma once

#include "meta/told.h"

told_reader told_fluoview;
