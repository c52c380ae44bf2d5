# Runs a command of a private desktop for somebody who waits for its end: sh job.sh JOB, with the pipes JOB.out, JOB.err and JOB.end.
# JOB.words sets what is run. JOB.end gets two lines: the number of the process, which leads a group, and what the command has returned.
# Whoever waits takes it for the end, too, that nobody holds JOB.end open: a command that kills all shells kills this one.
job=$1
# A command that ends its own group, or all shells, by a signal that can be caught: what it returned is still told. It does not inherit this.
trap : HUP INT QUIT ALRM TERM USR1 USR2
exec 3>"$job.end"
echo "$$" >&3
. "$job.words"
"$@" 3>&- >"$job.out" 2>"$job.err" </dev/null
echo "$?" >&3
