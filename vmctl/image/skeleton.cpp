// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/skeleton.hpp"

namespace understudy::vmctl {
namespace {

constexpr const char* directories[] = {
    "bin",  "dev", "etc/understudy", "lib",     "mnt",    "opt/understudy/bin", "proc", "run",
    "sbin", "sys", "usr/bin",        "var/lib", "var/log"};

constexpr const char* applets[] = {
    "arping",   "ash",        "awk",      "base64",    "basename",   "cat",     "chmod",    "chown",
    "clear",    "cmp",        "cp",       "cut",       "date",       "dd",      "df",       "diff",
    "dirname",  "dmesg",      "du",       "echo",      "egrep",      "env",     "expr",     "false",
    "fgrep",    "find",       "free",     "fuser",     "getopt",     "grep",    "head",     "hexdump",
    "hostname", "id",         "ifconfig", "ip",        "kill",       "killall", "less",     "ln",
    "logger",   "ls",         "md5sum",   "mkdir",     "mkfifo",     "mknod",   "mktemp",   "more",
    "mount",    "mountpoint", "mv",       "nc",        "netstat",    "nice",    "nslookup", "od",
    "pgrep",    "pidof",      "ping",     "pkill",     "poweroff",   "printf",  "ps",       "pwd",
    "readlink", "realpath",   "reboot",   "reset",     "rm",         "rmdir",   "route",    "sed",
    "seq",      "setsid",     "sh",       "sha256sum", "sleep",      "sort",    "stat",     "stty",
    "sync",     "sysctl",     "tail",     "tar",       "tee",        "telnet",  "test",     "time",
    "timeout",  "top",        "touch",    "tr",        "traceroute", "true",    "truncate", "tty",
    "umount",   "uname",      "uniq",     "uptime",    "usleep",     "vi",      "watch",    "wc",
    "wget",     "which",      "whoami",   "xargs",     "xxd",        "yes",     "zcat"};

}  // namespace

void add_skeleton(CpioArchive& archive) {
    for (const char* directory : directories) archive.add_directory(directory);
    archive.add_directory("root", 0700);
    archive.add_directory("tmp", 01777);
    archive.add_directory("var/tmp", 01777);
    archive.add_character_device("dev/console", 0600, 5, 1);
    archive.add_character_device("dev/null", 0666, 1, 3);
    archive.add_file("etc/passwd",
                     "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
    archive.add_file("etc/group", "root:x:0:\nnogroup:x:65534:\n");
    archive.add_file("etc/hosts", "127.0.0.1 localhost\n");
    archive.add_file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n");
    for (const char* applet : applets) archive.add_link(std::string("bin/") + applet, "busybox");
}

}  // namespace understudy::vmctl
