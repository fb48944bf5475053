// SPDX-License-Identifier: Apache-2.0
// The 9P2000.L messages this file service speaks, as values. Each lists its fields once, in wire order;
// encoding and decoding (codec.hpp) follow that list. Integers are little-endian on the wire; a string has a
// two-byte length, data a four-byte one. Names and numbers are those of the Linux client. Rule: 9P2000.L as
// in Linux include/net/9p/9p.h and net/9p/protocol.c, and diod's protocol.md.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace understudy::files {

constexpr std::uint16_t no_tag = 0xffff;
constexpr std::uint32_t no_fid = 0xffffffff;
constexpr std::uint32_t no_user = 0xffffffff;
// The msize both sides of ours propose: 1 MiB of data and what surrounds it.
constexpr std::uint32_t max_message_bytes = 1024 * 1024 + 24;
constexpr std::uint32_t min_message_bytes = 4096;  // a smaller msize is refused
constexpr std::uint32_t read_write_overhead =
    24;  // the most that surrounds data in Tread, Twrite and Treaddir
constexpr std::size_t max_walk_names = 16;

enum class QidType : std::uint8_t { file = 0x00, symlink = 0x02, directory = 0x80 };

struct Qid {
    std::uint8_t type = 0;
    std::uint32_t version = 0;
    std::uint64_t path = 0;  // the inode number at the server
    bool operator==(const Qid&) const = default;
};

struct Bytes {  // data with a four-byte length
    std::string value;
    bool operator==(const Bytes&) const = default;
};

enum LockType : std::uint8_t { lock_read = 0, lock_write = 1, lock_unlock = 2 };
enum LockFlag : std::uint32_t { lock_flag_block = 1, lock_flag_reclaim = 2 };
enum LockStatus : std::uint8_t { lock_success = 0, lock_blocked = 1, lock_error = 2, lock_grace = 3 };

enum SetattrBit : std::uint32_t {
    setattr_mode = 0x1,
    setattr_uid = 0x2,
    setattr_gid = 0x4,
    setattr_size = 0x8,
    setattr_atime = 0x10,
    setattr_mtime = 0x20,
    setattr_ctime = 0x40,
    setattr_atime_set = 0x80,
    setattr_mtime_set = 0x100,
};
constexpr std::uint64_t getattr_basic = 0x7ff;

// clang-format off
#define UNDERSTUDY_9P(NUMBER, ...)                                          \
    static constexpr std::uint8_t type_number = NUMBER;                     \
    template <typename Self, typename Visit>                                \
    static void fields([[maybe_unused]] Self& self, Visit&& visit) { visit(__VA_ARGS__); }

struct Rlerror { std::uint32_t error = 0; UNDERSTUDY_9P(7, self.error) };
struct Tstatfs { std::uint32_t fid = 0; UNDERSTUDY_9P(8, self.fid) };
struct Rstatfs { std::uint32_t kind = 0, block_bytes = 0; std::uint64_t blocks = 0, free = 0, available = 0, files = 0,
                 files_free = 0, file_system_id = 0; std::uint32_t name_length = 0;
                 UNDERSTUDY_9P(9, self.kind, self.block_bytes, self.blocks, self.free, self.available, self.files,
                               self.files_free, self.file_system_id, self.name_length) };
struct Tlopen { std::uint32_t fid = 0, flags = 0; UNDERSTUDY_9P(12, self.fid, self.flags) };
struct Rlopen { Qid qid; std::uint32_t io_unit = 0; UNDERSTUDY_9P(13, self.qid, self.io_unit) };
struct Tlcreate { std::uint32_t fid = 0; std::string name; std::uint32_t flags = 0, mode = 0, gid = 0;
                  UNDERSTUDY_9P(14, self.fid, self.name, self.flags, self.mode, self.gid) };
struct Rlcreate { Qid qid; std::uint32_t io_unit = 0; UNDERSTUDY_9P(15, self.qid, self.io_unit) };
struct Tsymlink { std::uint32_t fid = 0; std::string name, target; std::uint32_t gid = 0;
                  UNDERSTUDY_9P(16, self.fid, self.name, self.target, self.gid) };
struct Rsymlink { Qid qid; UNDERSTUDY_9P(17, self.qid) };
struct Tmknod { std::uint32_t fid = 0; std::string name; std::uint32_t mode = 0, major = 0, minor = 0, gid = 0;
                UNDERSTUDY_9P(18, self.fid, self.name, self.mode, self.major, self.minor, self.gid) };
struct Rmknod { Qid qid; UNDERSTUDY_9P(19, self.qid) };
struct Trename { std::uint32_t fid = 0, directory_fid = 0; std::string name;
                 UNDERSTUDY_9P(20, self.fid, self.directory_fid, self.name) };
struct Rrename { UNDERSTUDY_9P(21) };
struct Treadlink { std::uint32_t fid = 0; UNDERSTUDY_9P(22, self.fid) };
struct Rreadlink { std::string target; UNDERSTUDY_9P(23, self.target) };
struct Tgetattr { std::uint32_t fid = 0; std::uint64_t mask = getattr_basic; UNDERSTUDY_9P(24, self.fid, self.mask) };
struct Rgetattr { std::uint64_t valid = 0; Qid qid; std::uint32_t mode = 0, uid = 0, gid = 0;
                  std::uint64_t links = 0, device = 0, size = 0, block_bytes = 0, blocks = 0, atime_s = 0, atime_ns = 0,
                  mtime_s = 0, mtime_ns = 0, ctime_s = 0, ctime_ns = 0, btime_s = 0, btime_ns = 0, generation = 0,
                  data_version = 0;
                  UNDERSTUDY_9P(25, self.valid, self.qid, self.mode, self.uid, self.gid, self.links, self.device,
                                self.size, self.block_bytes, self.blocks, self.atime_s, self.atime_ns, self.mtime_s,
                                self.mtime_ns, self.ctime_s, self.ctime_ns, self.btime_s, self.btime_ns,
                                self.generation, self.data_version) };
struct Tsetattr { std::uint32_t fid = 0, valid = 0, mode = 0, uid = 0, gid = 0;
                  std::uint64_t size = 0, atime_s = 0, atime_ns = 0, mtime_s = 0, mtime_ns = 0;
                  UNDERSTUDY_9P(26, self.fid, self.valid, self.mode, self.uid, self.gid, self.size, self.atime_s,
                                self.atime_ns, self.mtime_s, self.mtime_ns) };
struct Rsetattr { UNDERSTUDY_9P(27) };
struct Txattrwalk { std::uint32_t fid = 0, new_fid = 0; std::string name;
                    UNDERSTUDY_9P(30, self.fid, self.new_fid, self.name) };
struct Rxattrwalk { std::uint64_t size = 0; UNDERSTUDY_9P(31, self.size) };
struct Txattrcreate { std::uint32_t fid = 0; std::string name; std::uint64_t size = 0; std::uint32_t flags = 0;
                      UNDERSTUDY_9P(32, self.fid, self.name, self.size, self.flags) };
struct Rxattrcreate { UNDERSTUDY_9P(33) };
struct Treaddir { std::uint32_t fid = 0; std::uint64_t offset = 0; std::uint32_t count = 0;
                  UNDERSTUDY_9P(40, self.fid, self.offset, self.count) };
struct Rreaddir { Bytes entries; UNDERSTUDY_9P(41, self.entries) };
struct Tfsync { std::uint32_t fid = 0, data_only = 0; UNDERSTUDY_9P(50, self.fid, self.data_only) };
struct Rfsync { UNDERSTUDY_9P(51) };
struct Tlock { std::uint32_t fid = 0; std::uint8_t type = 0; std::uint32_t flags = 0; std::uint64_t start = 0, length = 0;
               std::uint32_t proc_id = 0; std::string client_id;
               UNDERSTUDY_9P(52, self.fid, self.type, self.flags, self.start, self.length, self.proc_id,
                             self.client_id) };
struct Rlock { std::uint8_t status = 0; UNDERSTUDY_9P(53, self.status) };
struct Tgetlock { std::uint32_t fid = 0; std::uint8_t type = 0; std::uint64_t start = 0, length = 0;
                  std::uint32_t proc_id = 0; std::string client_id;
                  UNDERSTUDY_9P(54, self.fid, self.type, self.start, self.length, self.proc_id, self.client_id) };
struct Rgetlock { std::uint8_t type = 0; std::uint64_t start = 0, length = 0; std::uint32_t proc_id = 0;
                  std::string client_id;
                  UNDERSTUDY_9P(55, self.type, self.start, self.length, self.proc_id, self.client_id) };
struct Tlink { std::uint32_t directory_fid = 0, fid = 0; std::string name;
               UNDERSTUDY_9P(70, self.directory_fid, self.fid, self.name) };
struct Rlink { UNDERSTUDY_9P(71) };
struct Tmkdir { std::uint32_t fid = 0; std::string name; std::uint32_t mode = 0, gid = 0;
                UNDERSTUDY_9P(72, self.fid, self.name, self.mode, self.gid) };
struct Rmkdir { Qid qid; UNDERSTUDY_9P(73, self.qid) };
struct Trenameat { std::uint32_t old_fid = 0; std::string old_name; std::uint32_t new_fid = 0; std::string new_name;
                   UNDERSTUDY_9P(74, self.old_fid, self.old_name, self.new_fid, self.new_name) };
struct Rrenameat { UNDERSTUDY_9P(75) };
struct Tunlinkat { std::uint32_t fid = 0; std::string name; std::uint32_t flags = 0;
                   UNDERSTUDY_9P(76, self.fid, self.name, self.flags) };
struct Runlinkat { UNDERSTUDY_9P(77) };
struct Tversion { std::uint32_t message_bytes = 0; std::string version;
                  UNDERSTUDY_9P(100, self.message_bytes, self.version) };
struct Rversion { std::uint32_t message_bytes = 0; std::string version;
                  UNDERSTUDY_9P(101, self.message_bytes, self.version) };
struct Tauth { std::uint32_t fid = 0; std::string user, share; std::uint32_t user_number = 0;
               UNDERSTUDY_9P(102, self.fid, self.user, self.share, self.user_number) };
struct Rauth { Qid qid; UNDERSTUDY_9P(103, self.qid) };
struct Tattach { std::uint32_t fid = 0, auth_fid = no_fid; std::string user, share; std::uint32_t user_number = no_user;
                 UNDERSTUDY_9P(104, self.fid, self.auth_fid, self.user, self.share, self.user_number) };
struct Rattach { Qid qid; UNDERSTUDY_9P(105, self.qid) };
struct Tflush { std::uint16_t old_tag = 0; UNDERSTUDY_9P(108, self.old_tag) };
struct Rflush { UNDERSTUDY_9P(109) };
struct Twalk { std::uint32_t fid = 0, new_fid = 0; std::vector<std::string> names;
               UNDERSTUDY_9P(110, self.fid, self.new_fid, self.names) };
struct Rwalk { std::vector<Qid> qids; UNDERSTUDY_9P(111, self.qids) };
struct Tread { std::uint32_t fid = 0; std::uint64_t offset = 0; std::uint32_t count = 0;
               UNDERSTUDY_9P(116, self.fid, self.offset, self.count) };
struct Rread { Bytes data; UNDERSTUDY_9P(117, self.data) };
struct Twrite { std::uint32_t fid = 0; std::uint64_t offset = 0; Bytes data;
                UNDERSTUDY_9P(118, self.fid, self.offset, self.data) };
struct Rwrite { std::uint32_t count = 0; UNDERSTUDY_9P(119, self.count) };
struct Tclunk { std::uint32_t fid = 0; UNDERSTUDY_9P(120, self.fid) };
struct Rclunk { UNDERSTUDY_9P(121) };
struct Tremove { std::uint32_t fid = 0; UNDERSTUDY_9P(122, self.fid) };
struct Rremove { UNDERSTUDY_9P(123) };
#undef UNDERSTUDY_9P
// clang-format on

using Body =
    std::variant<Rlerror, Tstatfs, Rstatfs, Tlopen, Rlopen, Tlcreate, Rlcreate, Tsymlink, Rsymlink, Tmknod,
                 Rmknod, Trename, Rrename, Treadlink, Rreadlink, Tgetattr, Rgetattr, Tsetattr, Rsetattr,
                 Txattrwalk, Rxattrwalk, Txattrcreate, Rxattrcreate, Treaddir, Rreaddir, Tfsync, Rfsync,
                 Tlock, Rlock, Tgetlock, Rgetlock, Tlink, Rlink, Tmkdir, Rmkdir, Trenameat, Rrenameat,
                 Tunlinkat, Runlinkat, Tversion, Rversion, Tauth, Rauth, Tattach, Rattach, Tflush, Rflush,
                 Twalk, Rwalk, Tread, Rread, Twrite, Rwrite, Tclunk, Rclunk, Tremove, Rremove>;

struct Message {
    std::uint16_t tag = no_tag;
    Body body;
};

struct DirectoryEntry {  // one of Rreaddir's entries
    Qid qid;
    std::uint64_t next_offset = 0;  // where the entry after this one begins
    std::uint8_t type = 0;          // DT_REG and the like
    std::string name;
};

}  // namespace understudy::files
