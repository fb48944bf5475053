// SPDX-License-Identifier: Apache-2.0
#include "vmctl/libvirt/hypervisor.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/io/clock.hpp"
#include "vmctl/libvirt/event_loop.hpp"
#include "vmctl/libvirt/first_processor.hpp"
#include "vmctl/libvirt/lifecycle.hpp"
#include "vmctl/libvirt/root_directory.hpp"

namespace understudy::vmctl {
namespace {

constexpr Duration open_limit = 60s;
constexpr Duration start_limit = 40s;
constexpr Duration destroy_limit = 20s;
constexpr Duration call_limit = 10s;
constexpr Duration reset_aftermath = 5s;

// libvirt keeps its last error by thread: ask in the thread that failed.
Error libvirt_error(const std::string& subject, ErrorKind kind = ErrorKind::failed) {
    const virErrorPtr error = virGetLastError();
    if (error == nullptr || error->message == nullptr) return Error(kind, subject, "libvirt gave no reason");
    return Error(kind, subject, std::string("libvirt: ") + error->message).with_number(error->code);
}

// Runs `work` in a thread of its own and waits at most `limit`. A QEMU that hangs in the kernel makes libvirt
// wait without end; then that thread is left behind, and must own all it uses.
template <typename Work>
auto bounded(const std::string& subject, Duration limit, Work work) -> decltype(work()) {
    auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
    auto answer = task->get_future();
    std::thread([task] { (*task)(); }).detach();
    if (answer.wait_for(limit) != std::future_status::ready)
        return Error(ErrorKind::timeout, subject, "libvirt did not answer within " + format_duration(limit));
    return answer.get();
}

struct DomainDeleter {
    void operator()(virDomain* domain) const { virDomainFree(domain); }
};
using DomainHandle = std::unique_ptr<virDomain, DomainDeleter>;

// What libvirt's callbacks use. Apart from the connection, so that none of them can be the one to close it.
class Reporter {
  public:
    explicit Reporter(LifecycleListener listener) : listener_(std::move(listener)) {}

    void report(const LifecycleEvent& event) {
        const std::scoped_lock lock(mutex_);
        if (listener_) listener_(event);
    }

    void stop() {
        const std::scoped_lock lock(mutex_);
        listener_ = nullptr;
    }

    // After a reset of ours the firmware (SeaBIOS, with QEMU 7.2) resets the machine again, from once to
    // about ten times within a second, before the kernel is entered. Those are part of ours.
    void expect_resets(const std::string& name) {
        const std::scoped_lock lock(resets_mutex_);
        expected_until_[name] = io::monotonic_now() + reset_aftermath;
    }
    bool expects_reset(const std::string& name) {
        const std::scoped_lock lock(resets_mutex_);
        const auto found = expected_until_.find(name);
        return found != expected_until_.end() && io::monotonic_now() < found->second;
    }
    void forget_resets(const std::string& name) {
        const std::scoped_lock lock(resets_mutex_);
        expected_until_.erase(name);
    }

  private:
    std::mutex mutex_;
    LifecycleListener listener_;
    std::mutex resets_mutex_;
    std::map<std::string, Instant> expected_until_;
};
using SharedReporter = std::shared_ptr<Reporter>;

void on_lifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* opaque) {
    const SharedReporter reporter = *static_cast<SharedReporter*>(opaque);
    if (auto told = lifecycle_event(virDomainGetName(domain), event, detail)) reporter->report(*told);
}

// A guest that restarts by itself has crashed (panic=-1) or been told to: its host is gone either way, and
// what was process 1 of it will not come back with the configuration it had.
void on_reboot(virConnectPtr, virDomainPtr domain, void* opaque) {
    const SharedReporter reporter = *static_cast<SharedReporter*>(opaque);
    const std::string name = virDomainGetName(domain);
    if (reporter->expects_reset(name)) return;
    reporter->report({name, "crashed", "restarted by the guest"});
    virDomainRef(domain);
    std::thread([handle = DomainHandle(domain)] { virDomainDestroy(handle.get()); }).detach();
}

void free_reporter(void* opaque) {
    delete static_cast<SharedReporter*>(opaque);
}

// The connection, owned by the hypervisor and by every call under way: one that outlasts its limit keeps it
// open.
using SharedConnection = std::shared_ptr<virConnect>;

Result<DomainHandle> find_domain(const SharedConnection& connection, const std::string& name) {
    DomainHandle domain(virDomainLookupByName(connection.get(), name.c_str()));
    if (!domain) return libvirt_error("domain " + name);
    return domain;
}

// The embedded driver has no domains that end with their connection.
void destroy_all(const SharedConnection& connection) {
    virDomainPtr* domains = nullptr;
    const int count = virConnectListAllDomains(connection.get(), &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    for (int i = 0; i < count; ++i) {
        const DomainHandle domain(domains[i]);
        virDomainDestroy(domain.get());
    }
    std::free(domains);
}

class LiveHypervisor final : public Hypervisor {
  public:
    LiveHypervisor(SharedConnection connection, HypervisorOptions options)
        : connection_(std::move(connection)),
          reporter_(std::make_shared<Reporter>(std::move(options.listener))),
          root_(std::move(options.root_dir)),
          validates_(options.validate) {}

    ~LiveHypervisor() override {
        reporter_->stop();
        (void)bounded("libvirt connection", destroy_limit,
                      [connection = std::move(connection_), ids = callback_ids_]() mutable -> Result<void> {
                          for (const int id : ids) virConnectDomainEventDeregisterAny(connection.get(), id);
                          destroy_all(connection);
                          connection.reset();
                          return {};
                      });
    }

    Result<void> subscribe() {
        const int lifecycle =
            add_callback(VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle));
        const int reboot = add_callback(VIR_DOMAIN_EVENT_ID_REBOOT, on_reboot);
        if (lifecycle < 0 || reboot < 0) return libvirt_error("libvirt events", ErrorKind::environment);
        return {};
    }

    Result<void> start(const DomainSpec& spec) override {
        UNDERSTUDY_TRY(std::string xml, domain_xml(spec));
        reporter_->forget_resets(spec.name);
        return bounded(
            "domain " + spec.name, start_limit,
            [connection = connection_, xml = std::move(xml), name = spec.name,
             validates = validates_]() -> Result<void> {
                const unsigned flags = validates ? VIR_DOMAIN_START_VALIDATE : 0;
                const DomainHandle domain(virDomainCreateXML(connection.get(), xml.c_str(), flags));
                if (!domain) return libvirt_error("domain " + name);
                return {};
            });
    }

    Result<void> destroy(const std::string& name) override {
        return call(name, destroy_limit, virDomainDestroy);
    }
    Result<void> reset(const std::string& name) override {
        reporter_->expect_resets(name);
        return call(name, call_limit, [](virDomainPtr domain) { return virDomainReset(domain, 0); });
    }
    Result<void> suspend(const std::string& name) override {
        return call(name, call_limit, virDomainSuspend);
    }
    Result<void> resume(const std::string& name) override { return call(name, call_limit, virDomainResume); }
    Result<void> shutdown(const std::string& name) override {
        return call(name, call_limit, [](virDomainPtr domain) {
            return virDomainShutdownFlags(domain, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN);
        });
    }

    Result<DomainState> state(const std::string& name) override {
        return bounded("domain " + name, call_limit,
                       [connection = connection_, name]() -> Result<DomainState> {
                           const DomainHandle domain(virDomainLookupByName(connection.get(), name.c_str()));
                           int state = VIR_DOMAIN_SHUTOFF;
                           if (!domain || virDomainGetState(domain.get(), &state, nullptr, 0) != 0) {
                               const virErrorPtr error = virGetLastError();
                               if (error != nullptr && error->code == VIR_ERR_NO_DOMAIN)
                                   return DomainState::absent;
                               return libvirt_error("domain " + name);
                           }
                           return domain_state(state);
                       });
    }

    Result<pid_t> process_id(const std::string& name) override {
        const auto path = root_ / "run/qemu" / (name + ".pid");
        std::ifstream file(path);
        pid_t process = 0;
        if (!(file >> process) || process <= 1)
            return Error(ErrorKind::failed, "domain " + name, "has no process");
        return process;
    }

  private:
    Result<void> call(const std::string& name, Duration limit, int (*operation)(virDomainPtr)) {
        return bounded("domain " + name, limit,
                       [connection = connection_, name, operation]() -> Result<void> {
                           UNDERSTUDY_TRY(const DomainHandle domain, find_domain(connection, name));
                           if (operation(domain.get()) != 0) return libvirt_error("domain " + name);
                           return {};
                       });
    }

    int add_callback(int id, virConnectDomainEventGenericCallback callback) {
        const int added = virConnectDomainEventRegisterAny(connection_.get(), nullptr, id, callback,
                                                           new SharedReporter(reporter_), free_reporter);
        if (added >= 0) callback_ids_.push_back(added);
        return added;
    }

    SharedConnection connection_;
    SharedReporter reporter_;
    std::filesystem::path root_;
    bool validates_;
    std::vector<int> callback_ids_;
};

Result<SharedConnection> connect(const std::filesystem::path& root) {
    const std::string address = "qemu:///embed?root=" + root.string();
    return bounded("libvirt", open_limit, [address]() -> Result<SharedConnection> {
        const OnFirstProcessor keeps_what_libvirt_knows_of_qemu;
        virConnectPtr connection = virConnectOpen(address.c_str());
        if (connection == nullptr)
            return libvirt_error("libvirt", ErrorKind::environment).with_remedy("see `understudy doctor`");
        return SharedConnection(connection, virConnectClose);
    });
}

}  // namespace

Result<std::unique_ptr<Hypervisor>> Hypervisor::open(HypervisorOptions options) {
    UNDERSTUDY_CHECK(prepare_root_directory(options.root_dir, options.capabilities_cache));
    ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);  // costs memory only where the kernel refuses
    // What libvirt logs goes to a file of its own; the user's own setting comes first.
    ::setenv("LIBVIRT_LOG_OUTPUTS", ("3:file:" + (options.root_dir / "libvirt.log").string()).c_str(), 0);
    UNDERSTUDY_CHECK(need_event_loop());
    UNDERSTUDY_TRY(SharedConnection connection, connect(options.root_dir));
    auto hypervisor = std::make_unique<LiveHypervisor>(std::move(connection), std::move(options));
    UNDERSTUDY_CHECK(hypervisor->subscribe());
    return std::unique_ptr<Hypervisor>(std::move(hypervisor));
}

Result<std::unique_ptr<Hypervisor>> Hypervisor::open(const std::filesystem::path& root_dir) {
    return open(HypervisorOptions{root_dir, {}, {}, false});
}

Result<io::ProcessMemory> Hypervisor::memory(const std::string& name) {
    UNDERSTUDY_TRY(const pid_t process, process_id(name));
    return io::process_memory(process);
}

const char* to_string(DomainState state) {
    switch (state) {
        case DomainState::absent:
            return "absent";
        case DomainState::running:
            return "running";
        case DomainState::paused:
            return "paused";
        case DomainState::stopping:
            return "stopping";
        case DomainState::crashed:
            return "crashed";
    }
    return "absent";
}

}  // namespace understudy::vmctl
