/* SPDX-License-Identifier: MIT */
#include "world/cover.h"

#include "world/client.h"
#include "world/kernel.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

struct cover *cover;

void cover_init(void)
{
	cover = mmap(NULL, sizeof(*cover), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	holds(cover != MAP_FAILED, "no memory to count in");
}

void cover_fault(enum fault fault)
{
	cover_count(&cover->faults[fault]);
}

/* ---- where to look ---- */

static enum slot_event raised = SLOT_N_EVENTS;

void __real_slot_on(struct crew *crew, struct slot *slot, enum slot_event event);
void __real_intake_on_slot(struct crew *crew, struct slot *slot, enum slot_state was);
void __real_conn_on_received(struct conn_table *table, struct conn *c, const struct completion *completion);
void __real_conn_on_send(struct conn_table *table, struct conn *c, const struct completion *completion);
void __real_conn_on_timeout(struct conn_table *table, struct conn *c);
int __real_channel_receive(int channel_fd, enum side from, struct message *ret_message);

CALL(void, slot_on, struct crew *crew, struct slot *slot, enum slot_event event)
{
	raised = event;
	__real_slot_on(crew, slot, event);
}

/* The first thing slot_on() does; what it raises itself while it acts is a fork that failed. */
CALL(void, intake_on_slot, struct crew *crew, struct slot *slot, enum slot_state was)
{
	enum slot_event event = raised == SLOT_N_EVENTS ? ON_UNBORN : raised;

	raised = SLOT_N_EVENTS;
	cover_count(&cover->rules[was][event]);
	trace("slot", slot->index, was, event);
	__real_intake_on_slot(crew, slot, was);
}

CALL(void, conn_on_received, struct conn_table *table, struct conn *c, const struct completion *completion)
{
	int r = completion->res;
	enum conn_event event = r > 0 ? CONN_RECEIVED : r == 0 ? CONN_ENDED : CONN_FAILED;

	cover_count(&cover->conn[c->state][event]);
	__real_conn_on_received(table, c, completion);
}

CALL(void, conn_on_send, struct conn_table *table, struct conn *c, const struct completion *completion)
{
	cover_count(&cover->conn[c->state][completion->res < 0 ? CONN_UNSENT : CONN_SENT]);
	__real_conn_on_send(table, c, completion);
}

CALL(void, conn_on_timeout, struct conn_table *table, struct conn *c)
{
	cover_count(&cover->conn[c->state][CONN_TIMED_OUT]);
	__real_conn_on_timeout(table, c);
}

CALL(int, channel_receive, int channel_fd, enum side from, struct message *ret_message)
{
	int r = __real_channel_receive(channel_fd, from, ret_message);

	if (r != 1 || from != FROM_WORKER || !world.crew)
		return r;
	child_each(world.crew, child)
		if (child->channel_fd == channel_fd)
			cover_count(&cover->messages[ret_message->type][child->phase]);
	return r;
}

/* ---- the report ---- */

static unsigned n_missing;

static void tell(const char *what, const char *name, uint64_t n, bool can_be)
{
	if (n == 0 && can_be) {
		printf("never: %s %s\n", what, name);
		n_missing++;
	}
	if (n > 0 && !can_be) {
		printf("was thought impossible: %s %s\n", what, name);
		n_missing++;
	}
}

static void report_faults(void)
{
	printf("faults:");
#define TELL(name, one_in, meaning) \
	printf(" %s %" PRIu64, #name, cover->faults[FAULT_##name]);	\
	tell("the fault", #name, cover->faults[FAULT_##name], true);
	FAULTS(TELL)
#undef TELL
	printf("\n");
}

/* The wait after a death before readiness is never nothing. */
static bool can_rule(enum slot_state state, enum slot_event event)
{
	return state != SLOT_STARTING || event != ON_AGAIN;
}

static void report_rules(void)
{
	printf("rules of the slot table:");
#define TELL(state, event, what, to) \
	printf(" %s/%s %" PRIu64, #state, #event, cover->rules[SLOT_##state][ON_##event]); \
	tell("the rule", #state " " #event, cover->rules[SLOT_##state][ON_##event], \
	     can_rule(SLOT_##state, ON_##event));
	SLOT_RULES(TELL)
#undef TELL
	printf("\n");
}

/* A handled request has no deadline unless its client takes nothing; what is closing has none at all. */
static bool can_be(enum conn_state state, enum conn_event event)
{
	if (state == CONN_STREAM)
		return false;	/* no address of this world has streams */
	if (state == CONN_CLOSING)
		return event != CONN_TIMED_OUT;
	return state != CONN_LINGERING || (event != CONN_SENT && event != CONN_UNSENT);
}

static void report_conns(void)
{
	static const char *const events[] = { "received", "ended", "failed", "sent", "unsent", "timed out" };

	printf("states of a connection:");
	for (enum conn_state s = 0; s < N_CONN_STATES; s++) {
		for (enum conn_event e = 0; e < N_CONN_EVENTS; e++) {
			char name[40];

			snprintf(name, sizeof(name), "%s %s", conn_states[s].name, events[e]);
			printf(" %s %" PRIu64, name, cover->conn[s][e]);
			tell("the state", name, cover->conn[s][e], can_be(s, e));
		}
	}
	printf("\n");
}

static void report_messages(void)
{
	static const char *const phases[] = { "STARTING", "SERVING", "LEAVING", "DYING" };
	static const enum channel_type types[] = {
		CHANNEL_LISTENER, CHANNEL_READY, CHANNEL_FAILED, CHANNEL_SUICIDE, CHANNEL_CRASH, CHANNEL_DRAINED,
	};

	printf("messages:");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (enum child_phase phase = CHILD_STARTING; phase <= CHILD_DYING; phase++) {
			char name[40];

			snprintf(name, sizeof(name), "%s while %s", channel_type_name(types[i]), phases[phase]);
			printf(" %s %" PRIu64, name, cover->messages[types[i]][phase]);
			tell("the message", name, cover->messages[types[i]][phase], true);
		}
	}
	printf("\n");
}

static void report_habits(void)
{
	printf("clients:");
#define TELL(name, owed, meaning) \
	printf(" %s %" PRIu64, #name, cover->habits[HABIT_##name]);	\
	tell("the habit", #name, cover->habits[HABIT_##name], true);
	HABITS(TELL)
#undef TELL
	printf("\n");
}

unsigned cover_report(void)
{
	n_missing = 0;
	report_faults();
	report_rules();
	report_conns();
	report_messages();
	report_habits();
	printf("exit codes: 0 %" PRIu64 ", 1 %" PRIu64 ", 3 %" PRIu64 ", 4 %" PRIu64 ", killed %" PRIu64 "\n",
	       cover->exit_codes[0], cover->exit_codes[1], cover->exit_codes[3], cover->exit_codes[4],
	       cover->exit_codes[7]);
	printf("%" PRIu64 " worlds of %.1f s each, %" PRIu64 " lived twice: %" PRIu64 " steps, %" PRIu64 " workers, %"
	       PRIu64 " connections, %" PRIu64 " answers, each byte known\n", cover->worlds,
	       (double)cover->simulated_ms / 1000 / (double)cover->worlds, cover->twice, cover->steps, cover->births,
	       cover->connections, cover->answers);
	return n_missing;
}
