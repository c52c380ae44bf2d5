//! Conditions, loops, functions and what else makes scripts of commands.

use super::*;

#[test]
fn conditions() {
    check(
        "if true; then echo yes; else echo no; fi; if false; then echo yes; else echo no; fi",
        expect![[r#"
        yes
        no
    "#]],
    );
    check(
        "if false; then echo a; elif [ 1 -lt 2 ]; then echo b; else echo c; fi; echo $?",
        expect![[r#"
        b
        0
    "#]],
    );
    check(
        "if false; then echo a; fi; echo $?",
        expect![[r#"
        0
    "#]],
    );
    check(
        "if [ -d /sdcard ] && ! [ -f /none ]; then echo there; fi > /sdcard/x; cat /sdcard/x",
        expect![[r#"
        there
    "#]],
    );
    check(
        "for x in a.png b.txt 'c*'; do case $x in *.png|*.jpg) echo picture;; b?txt) echo text;; 'c*') echo star;; esac; done",
        expect![[r#"
            picture
            text
            star
        "#]],
    );
    check(
        "case abc in [a-c]*) echo class;; *) echo other;; esac; case x in y) echo y;; esac; echo $?",
        expect![[r#"
        class
        0
    "#]],
    );
}

#[test]
fn loops() {
    check(
        "for i in 1 2 3; do echo $i; done | tail -n 1",
        expect![[r#"
        3
    "#]],
    );
    check(
        "for f in /sdcard/D*; do echo ${f##*/}; done",
        expect![[r#"
        DCIM
        Documents
        Download
    "#]],
    );
    check(
        "i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done; until [ $i = 0 ]; do i=$((i-1)); done; echo $i",
        expect![[r#"
            1
            2
            3
            0
        "#]],
    );
    check(
        "for i in 1 2 3 4; do if [ $i = 2 ]; then continue; fi; if [ $i = 4 ]; then break; fi; echo $i; done",
        expect![[r#"
            1
            3
        "#]],
    );
    check(
        "for i in 1 2; do for j in a b; do if [ $j = b ]; then continue 2; fi; echo $i$j; done; done",
        expect![[r#"
        1a
        2a
    "#]],
    );
    check(
        "while true; do while true; do break 2; done; done; echo out; break; echo $?",
        expect![[r#"
        out
        0
        ! /system/bin/sh: break: cannot break
    "#]],
    );
    check(
        "printf 'one 1\\ntwo 2 more\\n' | while read name rest; do echo \"$rest:$name\"; done",
        expect![[r#"
        1:one
        2 more:two
    "#]],
    );
    check(
        "echo 'a b' > /sdcard/l; while read -r x; do echo got $x; done < /sdcard/l; echo x | read y; echo \"[$y]\"",
        expect![[r#"
            got a b
            []
        "#]],
    );
    check(
        "seq 3 | xargs echo n; ls /sdcard | xargs -n 3 echo; echo a | xargs -I {} echo [{}]",
        expect![[r#"
        n 1 2 3
        Android DCIM Documents
        Download Movies Music
        Pictures
        [a]
    "#]],
    );
    check(
        "for x in $(seq 1 2 5); do printf \"%d \" $x; done; echo",
        expect![[r#"
        1 3 5 
    "#]],
    );
}

#[test]
fn functions_and_arguments() {
    check(
        "greet() { echo hello $1 of $#; return 3; }; greet you now; echo $?",
        expect![[r#"
        hello you of 2
        3
    "#]],
    );
    check(
        "f() { local x=in; echo $x; }; x=out; f; echo $x; function g { for a; do echo \"<$a>\"; done; }; g 'a b' c",
        expect![[r#"
            in
            out
            <a b>
            <c>
        "#]],
    );
    check(
        "set -- a 'b c' d; for x in \"$@\"; do echo \"[$x]\"; done; shift; echo $1 $#; echo $*",
        expect![[r#"
        [a]
        [b c]
        [d]
        b c 2
        b c d
    "#]],
    );
    check(
        "sh -c 'echo $0 $1 ${2:-none}' name one; echo 'echo script $1; exit 4' > /sdcard/s.sh; sh /sdcard/s.sh arg; echo $?",
        expect![[r#"
            name one none
            script arg
            4
        "#]],
    );
    check(
        "echo 'X=set; return 2; echo never' > /sdcard/s; . /sdcard/s; echo $? $X; eval 'Y=1; echo $Y'",
        expect![[r#"
        2 set
        1
    "#]],
    );
    check(
        "f() { f; }; f; echo $?",
        expect![[r#"
        1
        ! /system/bin/sh: nested too deeply
    "#]],
    );
    check(
        "exec echo gone; echo never",
        expect![[r#"
        gone
    "#]],
    );
    check(
        "command -v ls; type cd nothing; command echo x; exec 2>/dev/null",
        expect![[r#"
            /system/bin/ls
            cd is cd
            x
            ! nothing not found
            = 1
        "#]],
    );
}

#[test]
fn words() {
    check(
        "echo `date +%Y` `echo a \\`echo b\\`` \"`echo '  c'`\"",
        expect![[r#"
        2026 a b   c
    "#]],
    );
    check(
        "echo $((1+2*3)) $(( (1+2) * 3 )) $((7/2)) $((7%2)) $((x=0 ? 1 : 2))",
        expect![[r#"
        ! /system/bin/sh: x=0 ? 1 : 2: unexpected '=0 ? 1 : 2'
        = 1
    "#]],
    );
    check(
        "x=5; echo $((x*2)) $(($x + 1)) \"$((x > 3))\"; echo $((1/0)); echo after",
        expect![[r#"
        10 6 1
        after
        ! /system/bin/sh: divide by zero
    "#]],
    );
    check(
        "p=/sdcard/a.tar.gz; echo ${p##*/} ${p%.*} ${p%%.*} ${p#*/} ${#p} ${none:-default} ${none-} ${p:+set} ${n:=new} $n",
        expect![[r#"
            a.tar.gz /sdcard/a.tar /sdcard/a sdcard/a.tar.gz 16 default set new new
        "#]],
    );
    check(
        "echo ${none:?is missing}; echo after $?",
        expect![[r#"
        after 1
        ! /system/bin/sh: none: is missing
    "#]],
    );
    check(
        "echo [a-c] /sdcard/[DM]* '*' \"*\"",
        expect![[r#"
        [a-c] /sdcard/DCIM /sdcard/Documents /sdcard/Download /sdcard/Movies /sdcard/Music * *
    "#]],
    );
    check(
        "set -e; false || echo minded; if false; then :; fi; echo before; false; echo never",
        expect![[r#"
        minded
        before
        = 1
    "#]],
    );
}

#[test]
fn the_background() {
    check(
        "sleep 0.2 & echo first; wait; echo last",
        expect![[r#"
        first
        last
    "#]],
    );
    check(
        "{ sleep 0.05; echo late; } & echo early $!; wait",
        expect![[r#"
        early 5001
        late
    "#]],
    );
    check(
        "(sleep 0.05; echo written) > /sdcard/out 2>&1 & sleep 0.3; cat /sdcard/out",
        expect![[r#"
        written
    "#]],
    );
    check(
        "echo a & echo b &\nwait; echo $?",
        expect![[r#"
        a
        b
        0
    "#]],
    );
    check(
        "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.5 & done; echo $?",
        expect![[r#"
        1
        ! /system/bin/sh: can't fork - try again
    "#]],
    );
}

#[test]
fn what_does_not_end_is_ended() {
    check(
        "while true; do :; done; echo never",
        expect![[r#"
        ! /system/bin/sh: stopped after 200000 commands: a loop that does not end?
        = 1
    "#]],
    );
    check(
        "timeout 0.1 sleep 50; echo $?; timeout 5 echo quick",
        expect![[r#"
        124
        quick
    "#]],
    );
    check(
        "f() { while true; do echo y; done; }; f | head -n 2",
        expect![[r#"
        y
        y
        ! /system/bin/sh: stopped after 200000 commands: a loop that does not end?
    "#]],
    );
}

#[test]
fn what_is_not_done_is_said() {
    check(
        "trap 'echo bye' EXIT; set -x; umask 022; exec >/dev/null; chown root /sdcard; su; stop",
        expect![[r#"
        ! /system/bin/sh: trap: not supported on this phone
        ! /system/bin/sh: set: -x: that option is not supported on this phone
        ! /system/bin/sh: umask: the modes of files cannot be changed on this phone
        ! /system/bin/sh: exec: redirections for the rest of a script are not supported on this phone
        ! chown: /sdcard: Operation not permitted
        ! /system/bin/sh: su: inaccessible or not found
        ! stop: must be root
        = 1
    "#]],
    );
    check(
        "setprop ro.x 1; setprop debug.mine yes; getprop debug.mine; svc data enable; svc power stayon true; pm enable none",
        expect![[r#"
            yes
            ! Failed to set property 'ro.x' to '1'.
            ! See dmesg for error reason.
            ! svc data: this phone has nothing of the kind to switch
            ! 
            ! Exception occurred while executing 'enable':
            ! java.lang.IllegalArgumentException: Unknown package
            = 255
        "#]],
    );
    check(
        "app_process / x; screenrecord /sdcard/x.mp4; bugreportz; cat <<END",
        expect![[r#"
        ! /system/bin/sh: syntax error: a here-document (<<) is not supported on this phone
        = 1
    "#]],
    );
    check(
        "kill 1; kill 99; pm clear --user 0 com.android.notes; pm install /sdcard/x.apk; pm uninstall x",
        expect![[r#"
        Success
        Failure [INSTALL_FAILED_INVALID_URI: /sdcard/x.apk: No such file or directory]
        Failure [not installed for 0: x]
        ! /system/bin/sh: kill: 1: Operation not permitted
        ! /system/bin/sh: kill: 99: No such process
        = 1
    "#]],
    );
}
