// SPDX-License-Identifier: Apache-2.0
// How a guest's instructions are carried out: by the processor (kvm) or by QEMU's translator (tcg).
#pragma once

namespace understudy::vmctl {

enum class AcceleratorKind { kvm, tcg };

inline const char* to_string(AcceleratorKind kind) {
    return kind == AcceleratorKind::kvm ? "kvm" : "tcg";
}

}  // namespace understudy::vmctl
