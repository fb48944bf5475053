// SPDX-License-Identifier: Apache-2.0
// Members of the JSON objects that control messages are: lists and maps of texts written, and each kind read
// with its type checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace understudy::vmctl {

template <typename T>
json::array strings(const T& values) {
    json::array array;
    for (const auto& value : values) array.emplace_back(value);
    return array;
}

inline json::object map_object(const std::map<std::string, std::string>& values) {
    json::object object;
    for (const auto& [name, value] : values) object[name] = value;
    return object;
}

// Reads members; the first mistake is kept and what is wrong yields defaults.
class MemberReader {
  public:
    MemberReader(const json::object& object, std::string& mistake) : object_(object), mistake_(mistake) {}

    std::string text(const char* name) const {
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_string()) return std::string(value->get_string());
        wrong(name);
        return {};
    }
    std::int64_t integer(const char* name) const {
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_int64()) return value->get_int64();
        if (value != nullptr && value->is_uint64()) return static_cast<std::int64_t>(value->get_uint64());
        wrong(name);
        return 0;
    }
    std::optional<int> optional_integer(const char* name) const {
        if (!object_.contains(name)) return std::nullopt;
        return static_cast<int>(integer(name));
    }
    bool boolean(const char* name) const {
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_bool()) return value->get_bool();
        wrong(name);
        return false;
    }
    const json::array& array(const char* name) const {
        static const json::array empty;
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_array()) return value->get_array();
        wrong(name);
        return empty;
    }
    std::vector<std::string> texts(const char* name) const {
        std::vector<std::string> result;
        for (const json::value& value : array(name)) {
            if (value.is_string())
                result.emplace_back(value.get_string());
            else
                wrong(name);
        }
        return result;
    }
    const json::object& object(const char* name) const {
        static const json::object empty;
        const json::value* value = object_.if_contains(name);
        if (value != nullptr && value->is_object()) return value->get_object();
        wrong(name);
        return empty;
    }
    std::map<std::string, std::string> map(const char* name) const {
        std::map<std::string, std::string> result;
        for (const auto& member : object(name)) {
            if (member.value().is_string())
                result.emplace(member.key(), member.value().get_string());
            else
                wrong(name);
        }
        return result;
    }
    template <typename Each>
    void objects(const char* name, Each each) const {
        for (const json::value& value : array(name)) {
            if (value.is_object())
                each(MemberReader(value.get_object(), mistake_));
            else
                wrong(name);
        }
    }
    MemberReader inner(const char* name) const { return MemberReader(object(name), mistake_); }
    bool has(const char* name) const { return object_.contains(name); }
    void wrong(const char* name) const {
        if (mistake_.empty()) mistake_ = std::string("member ") + name + " is missing or of the wrong type";
    }

  private:
    const json::object& object_;
    std::string& mistake_;
};

}  // namespace understudy::vmctl
