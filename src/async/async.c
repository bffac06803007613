/* SPDX-License-Identifier: MIT */
#include "async/async.h"

#include <errno.h>

static struct {
	struct reactor	*reactor;
	unsigned	 n_alone;	/* affairs without a request */
} self;

void async_open(struct reactor *reactor)
{
	self.reactor = reactor;
}

bool async_pending(void)
{
	return self.n_alone > 0;
}

struct reactor *async_reactor(void)
{
	return self.reactor;
}

static void on_over(struct companion *companion, bool tell)
{
	struct affair *affair = container_of(companion, struct affair, companion);

	affair->cancel(affair, tell);
}

int affair_begin(struct affair *affair, struct brood_request *request,
		 void (*cancel)(struct affair *affair, bool tell))
{
	*affair = (struct affair){ .companion.end = on_over, .request = request, .cancel = cancel };
	if (!request) {
		self.n_alone++;
		return 0;
	}
	return request_accompany(request, &affair->companion) ? 0 : -EPIPE;
}

void affair_end(struct affair *affair)
{
	if (affair->request)
		request_let_go(affair->request, &affair->companion);
	else if (!affair->detached)
		self.n_alone--;
}

void affair_detach(struct affair *affair)
{
	affair->detached = true;
	self.n_alone--;
}

void affair_call(struct brood_request *request, brood_event_fn *fn, void *arg)
{
	if (request)
		request_call(request, fn, arg);
	else
		fn(NULL, arg);
}
