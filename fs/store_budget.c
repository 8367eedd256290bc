#include <errno.h>

#include "fs/store_core.h"

enum { LANDING_CHUNKS = 4, PASSED_MAX = 32 };

/* Each lane with room for the piece that it works on. */
static uint64_t total(const struct run_cost *c, unsigned bands, unsigned lanes, unsigned slots)
{
	return bands * c->band + c->blocks + lanes * (c->raw + c->lane) + slots * c->slot;
}

uint64_t store_least(const struct run_cost *c)
{
	return total(c, 1, 1, c->slot != 0);
}

uint64_t budget_least(const struct job *j)
{
	return store_least(&j->cost);
}

uint64_t store_budget_needed(uint64_t ordinary, uint64_t pass, uint64_t largest_slot)
{
	uint64_t sum = ordinary + pass + LANDING_CHUNKS * largest_slot;
	uint64_t need = max_u64(16 * largest_slot, sum + ceil_div(sum, 3));
	return ceil_div(need, 4096) * 4096; /* so that three quarters of it are not a byte short */
}

bool store_make_way(struct store *s, uint64_t ordinary, uint64_t pass, uint64_t slot)
{
	store_enter(s);
	struct store_config *c = &s->config;
	ordinary = max_u64(c->ordinary, ordinary);
	pass = max_u64(c->pass, pass);
	bool fits = slot <= c->largest_slot &&
		    store_budget_needed(ordinary, pass, c->largest_slot) <= c->budget;
	if (fits) {
		c->ordinary = ordinary;
		c->pass = pass;
	}
	store_leave(s);
	return fits;
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

static unsigned wished_lanes(const struct store *s, const struct job *j, bool band_cached,
			     unsigned slots)
{
	uint64_t pieces = j->cost.ladder ? s->config.threads : band_cached ? 0 : j->cost.pieces;
	return (unsigned)max_u64(1, min_u64(s->config.threads, max_u64(pieces, slots)));
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What the job may reserve now. */
static uint64_t room_for(const struct store *s, const struct job *j)
{
	uint64_t limit = budget_limit(s), budget = s->config.budget;
	if (j->class == CLASS_FG)
		limit = less(limit, pass_set_aside(s));
	uint64_t room = less(limit, s->reserved);
	if (j->class == CLASS_PASS) /* its own, not the sum: any ordinary job fits beside it */
		room = min_u64(room, less(limit, s->config.ordinary));
	return min_u64(room, budget - s->charge + s->listed + s->memo_bytes);
}

/* Sets bands, lanes and slots; false: not now. */
static bool fit(struct store *s, struct job *j, bool band_cached)
{
	const struct run_cost *c = &j->cost;
	uint64_t room = room_for(s, j);
	unsigned bands = c->ladder ? LEAVES : 1, slots = wished_slots(s, j);
	unsigned lanes = wished_lanes(s, j, band_cached, slots);
	if (total(c, bands, lanes, slots) <= room) {
		s->late_by_tick += s->in_tick && j->class == CLASS_FG;
		j->bands = bands;
		j->lanes = lanes;
		j->slots = slots;
		return true;
	}
	unsigned least = s->fault == FAULT_FULL_SLOTS ? slots : min_u64(slots, 1) != 0;
	if (store_now(s) - j->t0 < budget_patience_ns || total(c, 1, 1, least) > room)
		return false;
	s->in_tick = false; /* time alone made this possible, and what follows from it */
	j->bands = j->lanes = 1;
	j->slots = least;
	while (j->lanes < lanes && total(c, 1, j->lanes + 1, j->slots) <= room)
		j->lanes++;
	while (j->slots < slots && total(c, 1, j->lanes, j->slots + 1) <= room)
		j->slots++;
	if (total(c, bands, j->lanes, j->slots) <= room)
		j->bands = bands;
	return true;
}

static bool grant(struct store *s, struct job *j)
{
	struct entry *band = j->lone == RUN_WHOLE ? cache_find(s, &j->run, true) : NULL;
	if (band != NULL && band->hands > 0) /* a ladder reads it */
		band = NULL;
	if (!fit(s, j, band != NULL))
		return false;
	uint64_t bytes = total(&j->cost, j->bands, j->lanes, j->slots);
	if (band != NULL) {
		j->leaf[0].band = cache_take_band(s, band);
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
	if (j->class == CLASS_PASS)
		pass_granted(s, j);
	job_start(s, j);
	return true;
}

/* No job of a mount costs so much; one that did would wait for ever, and all behind it. */
static bool never_fits(const struct store *s, const struct job *j)
{
	uint64_t limit = budget_limit(s);
	return budget_least(j) > (j->class == CLASS_PASS ? less(limit, s->config.ordinary) : limit);
}

/* Read-ahead has its memory at once or not at all. */
static void admit_ahead(struct store *s)
{
	for (struct link *l; (l = list_first(&s->queue[CLASS_AHEAD])) != NULL;) {
		struct job *j = CONTAINER(l, struct job, queued);
		unsigned slots = wished_slots(s, j);
		uint64_t whole = total(&j->cost, 1, wished_lanes(s, j, false, slots), slots);
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
		if (store_now(s) - j->t0 >= budget_patience_ns || ++passed == PASSED_MAX)
			return false;
	}
	return passed == 0;
}

/* One at a time. A foreground that is blocked keeps it from its grant only until memory is set aside for it.
 * True: none waits for memory. */
static bool admit_pass(struct store *s, bool fg_waits)
{
	struct job *j;
	while ((j = pass_candidate(s)) != NULL && never_fits(s, j))
		job_abort(s, j, ENOBUFS);
	if (j == NULL)
		return true;
	return (!fg_waits || pass_set_aside(s) > 0) && grant(s, j);
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
	bool fg_fits = admit_fg(s);
	bool pass_fits = admit_pass(s, !fg_fits);
	if (fg_fits && pass_fits)
		admit_ahead(s);
	if (!fg_fits)
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
	unsigned wish =
		(unsigned)min_u64(s->config.fetchers, j->cost.ladder ? UINT32_MAX : j->cost.pieces);
	if (!list_empty(&s->queue[CLASS_FG]))
		return;
	if (j->class == CLASS_PASS)
		limit = less(limit, s->config.ordinary);
	while (j->raws < wish && (j->raws + 1) * raw <= limit / 4 && s->reserved + raw <= limit &&
	       cache_make_room(s, raw)) {
		j->raws++;
		j->reserved += raw;
		s->reserved += raw;
		s->charge += raw;
	}
}
