#include <errno.h>

#include "fs/store_core.h"

/* After this long a job may be granted less than its wish, and nobody younger gets memory before it. */
static const uint64_t patience_ns = 100000000;

enum { LANDING_CHUNKS = 4, PASSED_MAX = 32 };

uint64_t store_budget_needed(uint64_t largest_min, uint64_t largest_slot)
{
	uint64_t sum = largest_min + LANDING_CHUNKS * largest_slot;
	uint64_t need = max_u64(16 * largest_slot, sum + ceil_div(sum, 3));
	return ceil_div(need, 4096) * 4096; /* so that three quarters of it are not a byte short */
}

uint64_t budget_limit(const struct store *s)
{
	uint64_t limit = s->config.budget / 4 * 3;
	uint64_t landing = LANDING_CHUNKS * s->config.largest_slot;
	if (s->fault == FAULT_NO_LANDING_ZONE)
		return limit;
	return limit > landing ? limit - landing : 0;
}

static unsigned wished_slots(const struct store *s, const struct job *j)
{
	if (j->cost.slot == 0)
		return 0;
	if (j->lone != RUN_WHOLE)
		return 1;
	if (s->fault == FAULT_FULL_SLOTS)
		return j->cost.chunks;
	/* All chunks of the run, not only those that are wanted now: readers come one after another. */
	return (unsigned)min_u64(s->config.threads + 2, j->cost.chunks);
}

static unsigned wished_lanes(const struct store *s, unsigned pieces, unsigned slots)
{
	return (unsigned)max_u64(1, min_u64(s->config.threads, max_u64(pieces, slots)));
}

/* Each lane with room for the piece that it works on. */
static uint64_t total(const struct run_cost *c, unsigned lanes, unsigned slots)
{
	return c->band + lanes * (c->raw + c->lane) + slots * c->slot;
}

/* Sets lanes and slots; false: not now. */
static bool fit(struct store *s, struct job *j, bool band_cached)
{
	uint64_t limit = budget_limit(s), budget = s->config.budget;
	uint64_t room = limit > s->reserved ? limit - s->reserved : 0;
	room = min_u64(room, budget - s->charge + s->listed + s->memo_bytes);
	unsigned slots = wished_slots(s, j);
	unsigned lanes = wished_lanes(s, band_cached ? 0 : j->cost.pieces, slots);
	if (total(&j->cost, lanes, slots) <= room) {
		s->late_by_tick += s->in_tick;
		j->lanes = lanes;
		j->slots = slots;
		return true;
	}
	unsigned least = s->fault == FAULT_FULL_SLOTS ? slots : min_u64(slots, 1) != 0;
	if (store_now(s) - j->t0 < patience_ns || total(&j->cost, 1, least) > room)
		return false;
	s->in_tick = false; /* time alone made this possible, and what follows from it */
	j->lanes = 1;
	j->slots = least;
	while (j->lanes < lanes && total(&j->cost, j->lanes + 1, j->slots) <= room)
		j->lanes++;
	while (j->slots < slots && total(&j->cost, j->lanes, j->slots + 1) <= room)
		j->slots++;
	return true;
}

static bool grant(struct store *s, struct job *j)
{
	struct entry *band = j->lone == RUN_WHOLE ? cache_find(s, &j->run, true) : NULL;
	if (!fit(s, j, band != NULL))
		return false;
	uint64_t bytes = total(&j->cost, j->lanes, j->slots);
	if (band != NULL) {
		j->band = cache_take_band(s, band);
		bytes -= j->lanes * j->cost.raw;
	} else {
		j->raws = j->cost.raw == 0 ? (unsigned)max_u64(j->lanes, s->config.fetchers)
					   : j->lanes;
	}
	/* Room was reckoned with everything that can be evicted, so this cannot fail. */
	if (!cache_make_room(s, bytes))
		return false;
	j->reserved = bytes;
	s->reserved += bytes;
	s->charge += bytes;
	job_start(s, j);
	return true;
}

/* No job of a mount costs so much; one that did would wait for ever, and all behind it. */
static bool never_fits(const struct store *s, const struct job *j)
{
	return total(&j->cost, 1, j->cost.slot == 0 ? 0 : 1) > budget_limit(s);
}

/* Read-ahead has its memory at once or not at all. */
static void admit_ahead(struct store *s)
{
	for (struct link *l; (l = list_first(&s->queue[CLASS_AHEAD])) != NULL;) {
		struct job *j = CONTAINER(l, struct job, queued);
		unsigned slots = wished_slots(s, j);
		uint64_t whole = total(&j->cost, wished_lanes(s, j->cost.pieces, slots), slots);
		if (whole > budget_limit(s) / 2 || s->reserved > budget_limit(s) / 2 - whole ||
		    !grant(s, j))
			job_drop_queued(s, j);
	}
}

/* In order, but that small jobs may pass a few large ones that do not fit yet. True: nobody waits. */
static bool admit_fg(struct store *s)
{
	unsigned passed = 0;
	struct link *next;
	for (struct link *l = s->queue[CLASS_FG].next; l != &s->queue[CLASS_FG]; l = next) {
		next = l->next;
		struct job *j = CONTAINER(l, struct job, queued);
		if (never_fits(s, j)) {
			job_abort(s, j, ENOBUFS);
			continue;
		}
		if (grant(s, j))
			continue;
		if (store_now(s) - j->t0 >= patience_ns || ++passed == PASSED_MAX)
			return false;
	}
	return passed == 0;
}

void budget_admit(struct store *s)
{
	struct link *next;
	for (struct link *l = s->running.next; l != &s->running; l = next) {
		next = l->next;
		struct job *j = CONTAINER(l, struct job, running);
		if (j->landings != NULL)
			job_step(s, j);
	}
	if (admit_fg(s))
		admit_ahead(s);
	else
		ahead_give_way(s);
}

void budget_release(struct store *s, struct job *j, uint64_t bytes)
{
	j->reserved -= bytes;
	s->reserved -= bytes;
	s->charge -= bytes;
	s->admit = true;
}

void budget_widen(struct store *s, struct job *j)
{
	uint64_t limit = budget_limit(s), raw = j->cost.raw;
	unsigned wish = (unsigned)min_u64(s->config.fetchers, j->cost.pieces);
	if (!list_empty(&s->queue[CLASS_FG]))
		return;
	while (j->raws < wish && (j->raws + 1) * raw <= limit / 4 && s->reserved + raw <= limit &&
	       cache_make_room(s, raw)) {
		j->raws++;
		j->reserved += raw;
		s->reserved += raw;
		s->charge += raw;
	}
}
