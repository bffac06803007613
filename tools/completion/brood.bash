# SPDX-License-Identifier: MIT
# brood.bash - completion of brood(1) for bash; tests/cli/completion_knows_all_options.py holds it against the help

_brood_both='--config --check --listen --join --admin --backlog --workers --model --balance --pin --drain-timeout
	--pre-drain --start-timeout --restart-limit --backoff --hang-timeout --surge --max-rss --max-age --on-giveup
	--user --group --pid-file --control --log --log-format --log-level --help'
_brood_serve='--root --text --handler --listing --cache-size --max-connections --tasks --task-queue --rebalance --engine --on-fault
	--poison-limit --max-requests --max-head --max-target --max-fields --max-body --header-timeout --body-timeout
	--idle-timeout --write-timeout --linger-timeout --max-conn-requests --max-conn-age --access-log
	--access-log-format --state --state-size --state-full
	--state-prefix --state-timeout'
_brood_run='--ready --stop-signal --shell --non-blocking --stdio --env --cwd'

_brood_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# Their names may have spaces, and directories go on.
_brood_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$@")
}

# _brood_value OPTION WORD: what OPTION may have; fails for one that has no value
_brood_value() {
	case $1 in
	--model) _brood_words 'reuseport preemptive round-robin' "$2" ;;
	--balance) _brood_words 'auto hash weighted least' "$2" ;;
	--engine) _brood_words 'auto uring epoll' "$2" ;;
	--on-giveup) _brood_words 'exit degrade' "$2" ;;
	--on-fault) _brood_words 'die contain' "$2" ;;
	--stdio) _brood_words 'inherit null log' "$2" ;;
	--state) _brood_words 'memory off redis://' "$2" ;;
	--state-full) _brood_words 'evict refuse' "$2" ;;
	--log-format) _brood_words 'text json' "$2" ;;
	--access-log-format) _brood_words 'common combined json' "$2" ;;
	--log-level) _brood_words 'error warn info debug' "$2" ;;
	--ready) _brood_words 'listen notify delay:' "$2" ;;
	--stop-signal) _brood_words 'TERM INT QUIT HUP USR1 USR2 WINCH' "$2" ;;
	--workers | --max-connections) _brood_words 'auto' "$2" ;;
	--max-rss) _brood_words 'auto off' "$2" ;;
	--admin | --pre-drain | --hang-timeout | --poison-limit | --max-requests | --max-age | --max-conn-requests | --tasks | \
		--max-conn-age) _brood_words 'off' "$2" ;;
	--user) mapfile -t COMPREPLY < <(compgen -u -- "$2") ;;
	--group) mapfile -t COMPREPLY < <(compgen -g -- "$2") ;;
	--root | --cwd) _brood_files -d -- "$2" ;;
	--config | --handler | --pid-file | --control | --log | --access-log) _brood_files -f -- "$2" ;;
	--text | --cache-size | --env | --listen | --backlog | --drain-timeout | --start-timeout | --restart-limit | \
		--backoff | --surge | --task-queue | --max-head | --max-target | --max-fields | --max-body | --header-timeout | \
		--body-timeout | --idle-timeout | --write-timeout | --linger-timeout) ;;
	*) return 1 ;;
	esac
}

# Where the program stands, behind --
_brood_program_at() {
	local i
	for ((i = 2; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -- ]] && echo $((i + 1)) && return
	done
	return 1
}

_brood_ctl() {
	local word=$1 at
	for ((at = 2; at < COMP_CWORD; at++)); do
		case ${COMP_WORDS[at]} in
		--control) ((at++)) ;;
		= | -*) ;;
		poison) _brood_words 'clear --json' "$word"; return ;;
		stop) _brood_words '--now --wait --json' "$word"; return ;;
		scale | reload | reopen | upgrade) _brood_words '--wait --json' "$word"; return ;;
		*) _brood_words '--json' "$word"; return ;;
		esac
	done
	_brood_words 'status scale reload reopen drain kill stop upgrade events poison --control --json --help' "$word"
}

_brood() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} at

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_brood_words 'serve run ctl top doctor help version' "$word"
		return
	fi
	if [[ $command == run ]] && at=$(_brood_program_at); then
		if ((COMP_CWORD == at)); then _brood_files -c -- "$word"; else _brood_files -f -- "$word"; fi
		return
	fi
	# --model=reu is three words: bash breaks them at =
	if [[ $word == = ]]; then
		word='' before=${COMP_WORDS[COMP_CWORD - 1]}
	elif [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $command in
	serve | run | doctor | ctl | top) _brood_value "$before" "$word" && return ;;
	esac
	case $command in
	serve | doctor)
		if [[ $word == -* ]]; then
			_brood_words "$_brood_both $_brood_serve $([[ $command == doctor ]] && echo --json)" "$word"
		else
			_brood_files -d -- "$word"
		fi ;;
	run) _brood_words "$_brood_both $_brood_run --" "$word" ;;
	ctl) _brood_ctl "$word" ;;
	top) _brood_words '--control --help' "$word" ;;
	help) ((COMP_CWORD > 2)) || _brood_words 'serve run ctl top doctor' "$word" ;;
	esac
}

complete -F _brood brood
