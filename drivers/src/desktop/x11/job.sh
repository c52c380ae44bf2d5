# Runs a command of a private desktop for somebody who waits for its end: sh job.sh JOB, with the pipes JOB.out, JOB.err and JOB.end.
# JOB.words sets what is run. JOB.end gets two lines: the number of the process, which leads a group, and what the command has returned.
job=$1
exec 3>"$job.end"
echo "$$" >&3
. "$job.words"
"$@" 3>&- >"$job.out" 2>"$job.err" </dev/null
echo "$?" >&3
