// SPDX-License-Identifier: Apache-2.0
#include "vmctl/image/modules.hpp"

#include <gmock/gmock.h>

#include "tests/support/scratch_directory.hpp"

namespace understudy::vmctl {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

std::string module_needing(const std::string& names) {
    return "ELF\0license=GPL\0depends="s + names + "\0name=x\0"s;
}

class Modules : public testing::Test {
  protected:
    Modules() {
        kernel_.version = "6.1";
        kernel_.modules = directory_.path();
        directory_.write("kernel/drivers/net/virtio_net.ko", module_needing("virtio,virtio_ring,failover"));
        directory_.write("kernel/drivers/virtio/virtio.ko", module_needing("virtio_ring"));
        directory_.write("kernel/drivers/virtio/virtio_ring.ko", module_needing(""));
        directory_.write("kernel/drivers/char/virtio-rng.ko", module_needing("virtio"));
        directory_.write("kernel/broken.ko", module_needing("gone"));
        directory_.write("modules.builtin", "kernel/net/core/failover.ko\n");
    }

    std::vector<std::string> names(const std::vector<std::string>& wanted) {
        std::vector<std::string> list;
        for (const KernelModule& module : collect_modules(kernel_, wanted).value())
            list.push_back(module.name);
        return list;
    }

    test::ScratchDirectory directory_;
    KernelSource kernel_;
};

TEST_F(Modules, come_in_the_order_of_insertion_each_once_without_the_built_in) {
    EXPECT_THAT(names({"virtio_rng", "virtio-net", "failover"}),
                ElementsAre("virtio_ring", "virtio", "virtio_rng", "virtio_net"));
}

TEST_F(Modules, a_missing_one_is_named_with_what_needs_it) {
    const auto missing = collect_modules(kernel_, {"broken"});
    ASSERT_TRUE(missing.has_error());
    EXPECT_EQ(missing.error().message(), "kernel 6.1: has no module gone, which broken needs");
}

TEST_F(Modules, lose_their_signature_and_type_information) {
    const std::string mark = "~Module signature appended~\n";
    const std::string header = "\0\0\2\0\0\0\0\0\0\0\0\5"s;
    EXPECT_EQ(lighten_module("code" + ("12345" + header) + mark), "code");
    EXPECT_EQ(lighten_module("code\0.BTF\0end"s), "code\0.btf\0end"s);
    EXPECT_EQ(lighten_module("code"), "code");
    EXPECT_EQ(lighten_module("c" + "\0\0\2\0\0\0\0\0\xff\xff\xff\xff"s + mark).size(), 1 + 12 + mark.size())
        << "a length beyond the file";
}

}  // namespace
}  // namespace understudy::vmctl
