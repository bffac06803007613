#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
from _brood import check_refused

check_refused(2, ["no command"])
check_refused(2, ["unknown command serv", "did you mean serve?"], "serv")
check_refused(2, ["unknown command xyzzy", "brood help"], "xyzzy")
check_refused(2, ["unknown option --wrokers", "did you mean --workers?"], "serve", "--wrokers", "2")
check_refused(2, ["unknown option --wrokers", "did you mean --workers?"], "serve", "--wrokers=2")
check_refused(2, ["unknown option --xyzzy", "--help"], "serve", "--xyzzy")
check_refused(2, ["unknown option -w"], "serve", "-w", "2")
check_refused(2, ["one DIR only"], "serve", "/", "/tmp")
check_refused(2, ["one DIR only"], "serve", "/", "--", "--text")
check_refused(2, ["DIR is empty"], "serve", "")
check_refused(2, ["version takes no argument"], "version", "x")
check_refused(2, ["help is about"], "help", "me")

for answers in (["--text", "a", "/"], ["--text", "a", "--handler", "/x.so"], ["/", "--handler", "/x.so"]):
    check_refused(2, ["only one of DIR, --text and --handler"], "serve", *answers)
check_refused(2, ["only one of"], "serve", BROOD_TEXT="a", BROOD_HANDLER="/x.so")

check_refused(2, ["--listen", "at most 8"], "serve", *["--listen=127.0.0.1:0"] * 9)
check_refused(2, ["BROOD_LISTEN", "at most 8"], "serve", BROOD_LISTEN=",".join(["127.0.0.1:0"] * 9))

check_refused(2, ["rebalance", "reuseport"], "serve", "--text=a", "--rebalance", "--model=preemptive")
check_refused(2, ['no user "no-such-user"'], "serve", "--text=a", "--user=no-such-user")
check_refused(2, ['no group "no-such-group"'], "serve", "--text=a", "--group=no-such-group")
