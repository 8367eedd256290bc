#include "fs/check.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "fs/check_crew.h"
#include "fs/check_progress.h"
#include "fs/check_report.h"
#include "fs/clock.h"

static const uint64_t round_ns = 100000000;
static const uint64_t patience_ns = 2000000000;

enum { EXIT_INTERRUPTED = 128 + SIGINT };

static volatile sig_atomic_t interrupted;

static void on_interrupt(UNUSED int sig)
{
	interrupted = 1;
}

/* A second one ends the program at once. */
struct signals {
	struct sigaction interrupt, pipe;
};

static void signals_set(struct signals *old)
{
	struct sigaction once = { .sa_handler = on_interrupt,
				  .sa_flags = (int)(SA_RESETHAND | SA_RESTART) };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	interrupted = 0;
	sigaction(SIGINT, &once, &old->interrupt);
	/* In the background of a shell without job control it is ignored, and stays so. */
	if (old->interrupt.sa_handler == SIG_IGN)
		sigaction(SIGINT, &old->interrupt, NULL);
	sigaction(SIGPIPE, &ignore, &old->pipe);
}

static void signals_reset(const struct signals *old)
{
	sigaction(SIGINT, &old->interrupt, NULL);
	sigaction(SIGPIPE, &old->pipe, NULL);
}

struct check {
	struct check_crew *crew;
	struct check_report report;
	struct check_progress progress;
	uint64_t began;
	struct check_place at;
	bool ended, stopped; /* stopped: by a signal or an error */
	int error;
};

static void flush(struct check *c, struct err *err)
{
	if (c->error != 0 || !check_report_waits(&c->report))
		return;
	check_progress_clear(&c->progress);
	c->error = check_report_flush(&c->report, err);
}

/* What came in since the last round. */
static void round_of(struct check *c, uint64_t ns, struct err *err)
{
	struct check_news news;
	check_crew_wait(c->crew, ns, &news);
	c->ended = news.ended;
	c->at = news.at;
	check_report_to(&c->report, &news.at, &news.damage);
	check_damages_done(&news.damage);
	c->report.counts.bytes = news.bytes;
	c->report.counts.bytes_read = news.bytes_read;
	if (news.error != 0 && c->error == 0)
		c->error = err_oom(err);
	flush(c, err);
	if (!c->ended)
		check_progress_show(&c->progress, &news.at, news.bytes, c->report.counts.damaged);
}

/* False: a thread does not end, which is how a hanging read looks. */
static bool watch(struct check *c, struct err *err)
{
	while (!c->ended && !interrupted && c->error == 0)
		round_of(c, round_ns, err);
	if (c->ended)
		return true;
	c->stopped = true;
	check_crew_stop(c->crew);
	round_of(c, patience_ns, err);
	return c->ended;
}

static void end(struct check *c, struct err *err)
{
	check_progress_clear(&c->progress);
	if (c->error != 0)
		return;
	c->report.counts.seconds = (double)(clock_ns() - c->began) / 1e9;
	check_report_end(&c->report, &c->at, c->stopped);
	flush(c, err);
}

static int exit_code(const struct check *c)
{
	const struct check_counts *n = &c->report.counts;
	if (c->error != 0)
		return c->error;
	if (c->stopped)
		return EXIT_INTERRUPTED;
	return n->damaged > 0 || n->unusable > 0 || n->broken > 0 ? 1 : 0;
}

int check_run(struct engine *e, const struct options *o, FILE *out, bool *hangs, struct err *err)
{
	struct check c = { .crew = check_crew_new(e), .began = clock_ns() };
	struct signals old;
	*hangs = false;
	if (c.crew == NULL)
		return err_oom(err);
	check_report_begin(&c.report, e->data, o->json, out);
	check_progress_begin(&c.progress, e->data);
	signals_set(&old);
	c.error = check_crew_start(c.crew, err);
	if (c.error == 0)
		*hangs = !watch(&c, err);
	end(&c, err);
	signals_reset(&old);
	check_report_done(&c.report);
	if (!*hangs)
		check_crew_free(c.crew);
	return exit_code(&c);
}
