/* SPDX-License-Identifier: MIT */
/* mail - messages of programs in a worker's loop; nothing happens while nobody sends any */
#include "worker/room.h"

#include "bridge/board.h"

#define PACKETS_A_TURN	256	/* about as many small ones as can wait */
#define LAST_MS		100	/* for what is sent last */

static void mail_cut(struct worker *w)
{
	reactor_alarm(&w->reactor, &w->mail_again, ENGINE_NEVER);
	reactor_unwatch(&w->reactor, w->mail_watch);
	w->mail_watch = NULL;
	w->mail.fd = -1;
}

static void on_readable(void *arg)
{
	struct worker *w = arg;
	int r;

	if (!w->mail_watch)
		return;
	r = mailbox_receive(&w->mail, PACKETS_A_TURN);
	if (r < 0)
		mail_cut(w);
	else if (r > 0)
		reactor_alarm(&w->reactor, &w->mail_again, w->engine->now_ms + 1);
}

/* What came meanwhile may have had to wait for that room, too. */
static void on_room(void *arg)
{
	struct worker *w = arg;

	mailbox_room(&w->mail);
	on_readable(w);
}

int mail_open(struct worker *w)
{
	w->mail_again = (struct alarm){ .fn = on_readable, .arg = w };
	w->mail.progress = &w->row->mail;
	if (w->heritage->mail_fd < 0)
		return 0;
	w->mail_watch = reactor_watch(&w->reactor, w->heritage->mail_fd, on_readable, w);
	return w->mail_watch ? 0 : -1;
}

void mail_flush(struct worker *w)
{
	if ((w->mail.n_out > 0 || w->mail.full) && mailbox_flush(&w->mail) && w->mail_watch)
		reactor_await_room(&w->reactor, w->mail_watch, on_room);
}

void mail_close(struct worker *w)
{
	if (w->mail_watch)
		mailbox_flush_last(&w->mail, LAST_MS);
	public_set_mailbox(NULL);
}
