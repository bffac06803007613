/* SPDX-License-Identifier: MIT */
/* alarm - a function called in a while, for whoever wants */
#include "async/async.h"

#include <errno.h>
#include <stdlib.h>

struct brood_alarm {
	struct affair	 affair;
	struct alarm	 alarm;
	brood_event_fn	*fn;
	void		*arg;
};

static void release(struct brood_alarm *alarm)
{
	reactor_alarm(async_reactor(), &alarm->alarm, ENGINE_NEVER);
	affair_end(&alarm->affair);
	free(alarm);
}

static void on_alarm(void *arg)
{
	struct brood_alarm *alarm = arg;
	struct brood_request *request = alarm->affair.request;
	brood_event_fn *fn = alarm->fn;
	void *fn_arg = alarm->arg;

	release(alarm);
	affair_call(request, fn, fn_arg);
}

static void cancel(struct affair *affair, bool tell)
{
	release((struct brood_alarm *)affair);
}

int brood_alarm(struct brood_request *request, uint32_t ms, brood_event_fn *fn, void *arg,
		struct brood_alarm **ret_alarm)
{
	struct brood_alarm *alarm;
	int r;

	if (!async_reactor() || !fn)
		return -EINVAL;
	alarm = calloc(1, sizeof(*alarm));
	if (!alarm)
		return -ENOMEM;
	r = affair_begin(&alarm->affair, request, cancel);
	if (r < 0) {
		free(alarm);
		return r;
	}
	alarm->fn = fn;
	alarm->arg = arg;
	alarm->alarm = (struct alarm){ .fn = on_alarm, .arg = alarm };
	/* never in the same turn: one that is set anew each time it goes off must not hold the loop */
	reactor_alarm(async_reactor(), &alarm->alarm, async_reactor()->engine->now_ms + (ms > 0 ? ms : 1));
	if (ret_alarm)
		*ret_alarm = alarm;
	return 0;
}

void brood_alarm_cancel(struct brood_alarm *alarm)
{
	if (alarm)
		release(alarm);
}
