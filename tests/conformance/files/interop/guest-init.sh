#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# Process 1 of a guest that has Debian's generic kernel and busybox: mounts the share with the kernel's own 9P client
# and tells each answer on the console, "ok NAME" or "wrong NAME: WHAT".
/bin/busybox mkdir -p /proc /sys /dev /mnt /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /modules/order); do /bin/busybox insmod "/modules/$module"; done
b=/bin/busybox
says() {  # NAME EXPECTED COMMAND...
    name=$1 expected=$2
    shift 2
    got=$("$@" 2>&1)
    if [ "$got" = "$expected" ]; then echo "ok $name"; else echo "wrong $name: $got"; fi
}
fails() {  # NAME COMMAND...
    name=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "wrong $name: it worked"; else echo "ok $name"; fi
}
$b ip link set lo up
$b ip link set eth0 up
$b ip address add 10.0.2.15/24 dev eth0
port=$($b sed -n 's/.*share_port=\([0-9]*\).*/\1/p' /proc/cmdline)
says mount "" $b mount -t 9p -o "trans=tcp,port=$port,version=9p2000.L,msize=65536,aname=share,access=any,uname=guest" 10.0.2.2 /mnt
cd /mnt || echo "wrong cd: not mounted"
says "what the host wrote" "from the host" $b cat from-host
echo "from the guest" >from-guest
says "what the guest wrote" "from the guest" $b cat from-guest
$b dd if=/dev/urandom of=/tmp/big bs=1k count=3000 2>/dev/null
$b cp /tmp/big big
$b sync
echo 3 >/proc/sys/vm/drop_caches
says "three mebibytes" "" $b cmp /tmp/big big
says mkdir "" $b mkdir -p d/e
says rename "" $b mv from-guest d/e/renamed
says "renamed" "from the guest" $b cat d/e/renamed
says symlink "" $b ln -s d/e/renamed link
says readlink "d/e/renamed" $b readlink link
says "through the link" "from the guest" $b cat link
says "hard link" "" $b ln d/e/renamed hard
says "links" "2" $b stat -c %h hard
says chmod "" $b chmod 640 hard
says "mode" "640" $b stat -c %a d/e/renamed
says truncate "" $b truncate -s 4 hard
says "size" "4" $b stat -c %s d/e/renamed
fails "rmdir of what isn't empty" $b rmdir d
fails "a missing file" $b cat missing
i=0
while [ $i -lt 200 ]; do echo $i >"many-$i"; i=$((i + 1)); done
says "many files" "200" $b sh -c 'ls | grep -c many-'
says "unlink" "" $b sh -c 'rm many-*'
exec 9<>lock
says "flock" "" /usr/bin/flock -n 9
# The host looks at what is here, and says with a file that it has.
echo look >look
i=0
while [ ! -e looked ] && [ $i -lt 100 ]; do $b sleep 0.2; i=$((i + 1)); done
says "what the host answered" "looked" $b cat looked
exec 9>&-
cd /
says umount "" $b umount /mnt
echo "guest done"
$b poweroff -f
