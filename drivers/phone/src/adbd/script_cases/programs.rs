//! Programs that clients of phones run, and what they look for in the answers.

use super::*;

#[test]
fn the_network() {
    let device = phone();
    device.handle.set_fact("wifi.on", "true").unwrap();
    check_on(
        &device,
        "ip addr show wlan0; ip route; ifconfig wlan0; ip addr show eth7",
        expect![[r#"
        2: wlan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000
            link/ether 02:15:b2:00:00:00 brd ff:ff:ff:ff:ff:ff
            inet 10.0.2.16/24 brd 10.0.2.255 scope global wlan0
               valid_lft forever preferred_lft forever
        10.0.2.0/24 dev wlan0 proto kernel scope link src 10.0.2.16
        wlan0     Link encap:Ethernet  HWaddr 02:15:b2:00:00:00
                  inet addr:10.0.2.16  Bcast:10.0.2.255  Mask:255.255.255.0
                  UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1

        ! Device "eth7" does not exist.
        = 1
    "#]],
    );
    check_on(
        &device,
        "ping -c 1 10.0.2.2 | tail -n 2 | head -n 1; ping -c 1 8.8.8.8; ping example.com",
        expect![[r#"
        --- 10.0.2.2 ping statistics ---
        ! connect: Network is unreachable
        ! ping: unknown host example.com
        = 2
    "#]],
    );
    check_on(
        &device,
        "svc wifi disable; ip route; ip -f inet addr show wlan0; ifconfig wlan0 | grep inet",
        expect![[r#"
        2: wlan0: <BROADCAST,MULTICAST> mtu 1500 qdisc mq state DOWN group default qlen 1000
            link/ether 02:15:b2:00:00:00 brd ff:ff:ff:ff:ff:ff
        = 1
    "#]],
    );
}

#[test]
fn processes_and_the_kernel() {
    let device = phone();
    device.handle.change(|world| world.launch("com.android.settings"));
    check_on(
        &device,
        "ps -A | grep -c .; ps | tail -n 2; ps -A | grep com.android.settings; pidof com.android.settings system_server",
        expect![[r#"
            11
            shell         4242   412 12804096 148200 0                   0 S sh
            shell         4243  4242 12804096 148200 0                   0 S ps
            u0_a50        4716   433 12804096 148200 0                   0 S com.android.settings
            1240 4716
        "#]],
    );
    check_on(
        &device,
        "ls /sys/devices/system/cpu | grep -c cpu; grep -c ^processor /proc/cpuinfo; head -n 1 /proc/stat; cat /proc/uptime /proc/loadavg; cat /proc/none; head -n 1 /proc/meminfo",
        expect![[r#"
            4
            4
            cpu  0 0 0 0 0 0 0 0 0 0
            0.00 0.00
            0.00 0.00 0.00 1/12 4243
            MemTotal:        8000000 kB
            ! cat: /proc/none: No such file or directory
        "#]],
    );
}

#[test]
fn text_is_changed() {
    check(
        "echo 'a=1 b=2' | sed 's/[0-9]/<&>/g'; printf 'x:y:z\\n' | cut -d : -f 1,3; echo abcdef | cut -c 2-4; echo Hello | tr a-z A-Z; echo 'a  b' | tr -s ' '; echo abc | tr -d b",
        expect![[r#"
            a=<1> b=<2>
            x:z
            bcd
            HELLO
            a b
            ac
        "#]],
    );
    check(
        "printf 'b\\nb\\na\\n' | uniq -c; echo x > /sdcard/x; sed -i 's/x/y/' /sdcard/x; cat /sdcard/x; sed -n 2p /sdcard/x; sed y",
        expect![[r#"
                  2 b
                  1 a
            y
            ! sed: bad pattern 'y': the command y is not supported on this phone
            = 1
        "#]],
    );
    check(
        "wm density | cut -d ' ' -f 3; echo abc | sha256sum; echo abc | base64; echo YWJjCg== | base64 -d; wm density | tr -d 'a-zA-Z: '",
        expect![[r#"
            240
            edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb  -
            YWJjCg==
            abc
            240
        "#]],
    );
}

#[test]
fn files_and_their_modes() {
    check(
        "mkdir -p /sdcard/a/b; echo 1 > /sdcard/a/b/c; ls -R /sdcard/a; ls -lR /sdcard/a; find /sdcard/a -name 'c'; find /sdcard/a -type d -maxdepth 1",
        expect![[r#"
            /sdcard/a:
            b

            /sdcard/a/b:
            c
            /sdcard/a:
            total 4
            drwxrwx--x 2 shell shell     4096 2026-01-01 09:00 b

            /sdcard/a/b:
            total 1
            -rw-rw---- 1 shell shell        2 2026-01-01 09:00 c
            /sdcard/a/b/c
            /sdcard/a
            /sdcard/a/b
        "#]],
    );
    check(
        "echo hi > /data/local/tmp/x; chmod 755 /data/local/tmp/x; ls -l /data/local/tmp/x; chmod g-x,o=r /data/local/tmp/x; chmod +q /data/local/tmp/x; chmod 600 /none; stat -c %a /data/local/tmp/x; realpath /sdcard/../sdcard",
        expect![[r#"
            -rwxr-xr-x 1 shell shell        3 2026-01-01 09:00 /data/local/tmp/x
            755
            /storage/emulated/0
            ! chmod: /data/local/tmp/x: bad mode
            ! chmod: /data/local/tmp/x: bad mode
            ! chmod: /none: No such file or directory
        "#]],
    );
}

#[test]
fn the_display() {
    let device = phone();
    check_on(
        &device,
        "dumpsys SurfaceFlinger --display-id; cmd display get-displays | grep -o 'uniqueId.*'; dumpsys window displays | grep mCurrentRotation; dumpsys input | grep -o -E 'orientation=[0-9]' | head -n 1; dumpsys input | grep -o 'physicalFrame=[^s]*'",
        expect![[r#"
            Display 4619827259835644672 (HWC display 0): port=0 pnpId=TPW displayName="Built-in Screen"
            uniqueId "local:4619827259835644672"}
              mCurrentRotation=ROTATION_0
            orientation=0
            physicalFrame=[0, 0, 540, 1200], deviceSize=[540, 1200], i
        "#]],
    );
    check_on(
        &device,
        "screencap -d 4619827259835644672 | wc -c; screencap -d 7; dumpsys power | grep mHoldingDisplaySuspendBlocker; input keyevent SLEEP; dumpsys power | grep mHoldingDisplaySuspendBlocker; uiautomator dump; echo $?",
        expect![[r#"
            2592016
              mHoldingDisplaySuspendBlocker=true
              mHoldingDisplaySuspendBlocker=false
            0
            ! Display Id '7' is not valid.
            ! ERROR: null root node returned by UiTestAutomationBridge.
        "#]],
    );
    check_on(
        &device,
        "input keyevent WAKEUP; wm dismiss-keyguard; content insert --uri content://settings/system --bind name:s:accelerometer_rotation --bind value:i:0; content insert --uri content://settings/system --bind name:s:user_rotation --bind value:i:1; wm size; settings get system user_rotation; dumpsys window | grep mCurrentRotation; content query --uri content://settings/system --projection name:value --where \"name='user_rotation'\"; content insert --uri content://settings/system --bind name:s:user_rotation --bind value:i:0; wm size; content query --uri content://sms",
        expect![[r#"
            Physical size: 540x1200
            1
              mCurrentRotation=ROTATION_90
            Row: 0 name=user_rotation, value=1
            Physical size: 540x1200
            ! Error while accessing provider:sms
            ! java.lang.IllegalStateException: Could not find provider: sms
            = 1
        "#]],
    );
}

#[test]
fn settings_that_clients_ask_for() {
    check(
        "settings get system screen_brightness_mode; settings get system user_rotation; settings get secure zen_duration; settings get global zen_mode; settings put global zen_mode 1; dumpsys tapwright | grep -o '\"quiet.on\":\"[a-z]*\"'; settings list secure | grep -c =; settings put system user_rotation 3",
        expect![[r#"
            0
            0
            0
            0
            "quiet.on":"true"
            8
            ! 
            ! Exception occurred while executing 'put':
            ! java.lang.IllegalArgumentException: this phone is upright, or lies on its left side
            = 255
        "#]],
    );
    check(
        "getprop ro.build.version.sdk; getprop | grep -c ]; getprop ro.build.tags; dumpsys battery | grep level",
        expect![[r#"
            34
            29
            release-keys
              level: 87
        "#]],
    );
}

#[test]
fn apps_by_other_ways() {
    let device = phone();
    check_on(
        &device,
        "am start -a android.settings.WIFI_SETTINGS; am stack list | grep -o topActivity.*; am start -a android.settings.NO_SUCH_SETTINGS; am start -a android.intent.action.MAIN -c android.intent.category.APP_CALENDAR",
        expect![[r#"
            Starting: Intent { act=android.settings.WIFI_SETTINGS }
            topActivity=ComponentInfo{com.android.settings/com.android.settings.Settings}
            Starting: Intent { act=android.settings.NO_SUCH_SETTINGS }
            Starting: Intent { act=android.intent.action.MAIN cat=[android.intent.category.APP_CALENDAR] }
            ! Error: Activity not started, unable to resolve Intent { act=android.settings.NO_SUCH_SETTINGS }
        "#]],
    );
    assert_eq!(device.handle.facts()["front"], "com.android.calendar");
    check_on(
        &device,
        "monkey -p com.android.notes 5; monkey -p com.android.notes 9999; monkey -p none 2; monkey 5",
        expect![[r#"
            Events injected: 5
            ## Network stats: elapsed time=0ms (0ms mobile, 0ms wifi, 0ms not connected)
            ** No activities found to run, monkey aborted.
            ! ** Error: this phone's monkey makes 1000 events at most
            ! ** Error: this phone's monkey only plays with one app: say a package with -p
            = 255
        "#]],
    );
    assert_eq!(device.handle.facts()["front"], "com.android.notes");
    check_on(
        &device,
        "pm grant com.android.notes android.permission.CAMERA; dumpsys package com.android.notes | grep granted; pm revoke com.android.notes android.permission.CAMERA; dumpsys package com.android.notes | grep granted; pm grant none x; pm list features | head -n 1",
        expect![[r#"
                  android.permission.CAMERA: granted=true
            feature:android.hardware.bluetooth
            ! 
            ! Exception occurred while executing 'grant':
            ! java.lang.IllegalArgumentException: Unknown package: none
        "#]],
    );
}

#[test]
fn the_log() {
    let device = phone();
    check_on(
        &device,
        "logcat -d | head -n 3; log -t mine -p w 'a warning'; logcat -d -s mine; logcat -d -v brief 'mine:E' '*:S'; logcat -b crash -d; logcat -t 1 -v raw",
        expect![[r#"
            --------- beginning of main
            01-01 09:00:00.000  1240  1240 I SystemServer: Entered the Android system server!
            01-01 09:00:00.000  1240  1240 I ActivityManager: System now ready
            --------- beginning of main
            01-01 09:00:00.000  1240  1240 W mine    : a warning
            a warning
        "#]],
    );
    check_on(
        &device,
        "logcat -c; logcat -d; monkey -p com.android.clock 1 >/dev/null; monkey -p com.android.settings 1 > /dev/null; logcat -d -v tag; log; logcat -z",
        expect![[r#"
            --------- beginning of main
            I/ActivityTaskManager: START u0 {cmp=com.android.settings/.Settings} from uid 10050
            I/ActivityTaskManager: Displayed com.android.settings/.Settings for user 0: +120ms
            ! usage: log [-p PRIORITY] [-t TAG] MESSAGE...
            ! Usage: logcat [options] [filterspecs]: -d, -c, -g, -t COUNT, -b BUFFER, -v FORMAT, -s, --pid PID; the rest is not supported on this phone
            = 1
        "#]],
    );
    check_on(
        &device,
        "logcat | grep -c Displayed",
        expect![[r#"
        1
        ! logcat: it is not followed inside a pipe on this phone: say -d
    "#]],
    );
    check_on(
        &device,
        "exec logcat -d -v raw | tail -n 1",
        expect![[r#"
        Displayed com.android.settings/.Settings for user 0: +120ms
    "#]],
    );
}
