/* SPDX-License-Identifier: MIT */
/* What sd_notify(3) lets a program say is understood; anything else spoils the whole notice, or is passed over. */
#include "check.h"
#include "guest/notify.h"

#include <string.h>

static bool parse(const char *text, struct notice *ret_notice)
{
	memset(ret_notice, 0x55, sizeof(*ret_notice));
	return notify_parse(text, strlen(text), ret_notice);
}

static void what_is_said_is_understood(void)
{
	struct notice n;

	check(parse("READY=1", &n));
	check(n.ready && !n.stopping && !n.reloading && !n.watchdog && !n.trigger && !n.has_status);
	check_equal(n.main_pid, 0);
	check(parse("READY=1\nSTATUS=up and running\nMAINPID=4711\n", &n));
	check(n.ready && n.has_status);
	check_text(n.status, "up and running");
	check_equal(n.main_pid, 4711);
	check(parse("STOPPING=1\n", &n));
	check(n.stopping && !n.ready);
	check(parse("RELOADING=1\nMONOTONIC_USEC=123456", &n));
	check(n.reloading);
	check(parse("WATCHDOG=1", &n));
	check(n.watchdog && !n.trigger);
	check(parse("WATCHDOG=trigger", &n));
	check(n.trigger && !n.watchdog);
	check(parse("FDSTORE=1", &n));
	check(n.store && !n.forget);
	check_text(n.name, "stored");
	check(parse("FDNAME=left over\nFDSTOREREMOVE=1", &n) == false);
	check(parse("FDSTOREREMOVE=1\nFDNAME=left-over", &n));
	check(n.forget && !n.store);
	check_text(n.name, "left-over");
	check(parse("STATUS=", &n));
	check(n.has_status);
	check_text(n.status, "");
}

static void names_not_known_are_passed_over(void)
{
	struct notice n;

	check(parse("X_OF_MINE=whatever=it is\nBUSERROR=org.example\n\nREADY=1\n", &n));
	check(n.ready);
	check(parse("READYNESS=1\nREAD=1", &n));
	check(!(n.ready));
}

static void what_is_none_is_refused(void)
{
	static const char *const wrong[] = {
		"", "READY", "READY=", "READY=0", "READY=11", "READY=yes", "=1", "ready=1", "READY =1", " READY=1",
		"READY=1\nnonsense", "STOPPING=2", "RELOADING=x", "WATCHDOG=0", "WATCHDOG=", "MAINPID=", "MAINPID=0",
		"MAINPID=1", "MAINPID=-5", "MAINPID=12x", "MAINPID=9999999999", "MAINPID= 12", "\x01=1", "READY=1\r\n",
		"FDSTORE=0", "FDNAME=", "FDNAME=a:b", "FDNAME=a b", "FDNAME=\x7f",
		"FDNAME=0123456789012345678901234567890123456789012345678901234567890123",
	};
	struct notice n;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (parse(wrong[i], &n))
			check_fail(wrong[i], __FILE__, __LINE__);
	check(!(notify_parse("READY=1\0", 8, &n)));
}

static void sizes_are_bounded(void)
{
	static char text[NOTICE_MOST + 1];
	struct notice n;

	memset(text, 'x', sizeof(text));
	memcpy(text, "STATUS=", 7);
	check(notify_parse(text, NOTICE_MOST, &n));
	check_equal(strlen(n.status), sizeof(n.status) - 1);
	check(!(notify_parse(text, NOTICE_MOST + 1, &n)));
	memset(text, '\n', sizeof(text));
	check(notify_parse(text, NOTICE_MOST, &n));
	check(!(n.ready || n.has_status));
}

int main(void)
{
	what_is_said_is_understood();
	names_not_known_are_passed_over();
	what_is_none_is_refused();
	sizes_are_bounded();
	return 0;
}
