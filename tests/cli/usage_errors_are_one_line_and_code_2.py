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
check_refused(2, ["unknown option --jsn"], "doctor", "--jsn")
check_refused(2, ["--workers", "a number from 1 to 512"], "doctor", "--json", "--workers", "0")

check_refused(2, ["ctl needs a command"], "ctl")
check_refused(2, ["unknown command ctl stats", "did you mean status?"], "ctl", "stats")
check_refused(2, ["unknown command ctl xyzzy", "brood help ctl"], "ctl", "xyzzy")
check_refused(2, ["unknown option --xyzzy"], "ctl", "--xyzzy", "status")
check_refused(2, ["--control needs a value"], "ctl", "status", "--control")
check_refused(2, ["scale needs a number: scale N"], "ctl", "scale")
for wrong in ("x", "1.5", "4k", "99999999999999999999"):
    check_refused(2, [f'scale "{wrong}"', "whole number"], "ctl", "scale", wrong)
check_refused(2, ['reload takes no "now"'], "ctl", "reload", "now")
check_refused(2, ["one word too many"], "ctl", "poison", "clear", "1", "2")
check_refused(2, ["nothing to --wait for"], "ctl", "status", "--wait")
check_refused(2, ["--now is for stop"], "ctl", "reload", "--now")
check_refused(2, ["1 to 107 bytes"], "ctl", "--control", "", "status")
check_refused(2, ["1 to 107 bytes"], "ctl", "--control=" + "x" * 108, "status")
check_refused(2, ["the control socket is off, says BROOD_CONTROL"], "ctl", "status", BROOD_CONTROL="off")
check_refused(1, ["no pool at /none: No such file or directory"], "ctl", "--control", "/none", "status")
check_refused(1, ["no pool at /none"], "ctl", "status", BROOD_CONTROL="/none")
check_refused(1, ["no pool at /dev/null: Connection refused"], "ctl", "--control=/dev/null", "status")

for answers in (["--text", "a", "/"], ["--text", "a", "--handler", "/x.so"], ["/", "--handler", "/x.so"]):
    check_refused(2, ["only one of DIR, --text and --handler"], "serve", *answers)
check_refused(2, ["only one of"], "serve", BROOD_TEXT="a", BROOD_HANDLER="/x.so")

check_refused(2, ["--listen", "at most 8"], "serve", *["--listen=127.0.0.1:0"] * 9)
check_refused(2, ["BROOD_LISTEN", "at most 8"], "serve", BROOD_LISTEN=",".join(["127.0.0.1:0"] * 9))

check_refused(2, ["rebalance", "reuseport"], "serve", "--text=a", "--rebalance", "--model=preemptive")
check_refused(2, ['no user "no-such-user"'], "serve", "--text=a", "--user=no-such-user")
check_refused(2, ['no group "no-such-group"'], "serve", "--text=a", "--group=no-such-group")
