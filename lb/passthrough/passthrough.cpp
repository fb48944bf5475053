// SPDX-License-Identifier: Apache-2.0
#include "lb/passthrough/passthrough.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>

#include "base/io/nftables.hpp"
#include "base/io/unique_fd.hpp"
#include "lb/passthrough/backend_routes.hpp"
#include "lb/passthrough/conntrack.hpp"
#include "lb/passthrough/counters.hpp"
#include "lb/passthrough/flow_sweeper.hpp"
#include "lb/passthrough/network_namespace.hpp"
#include "lb/passthrough/settings.hpp"
#include "lb/passthrough/stale_segment.hpp"

namespace understudy::lb {
namespace {

namespace asio = boost::asio;

// How often what the kernel does late or not at all is looked after.
constexpr Duration between_routes = 500ms;  // lost ones
constexpr Duration shortest_between_sweeps = 250ms;
constexpr Duration longest_between_sweeps = 30s;  // it needs no help with what may be later
constexpr std::size_t most_resets = 60'000;       // two elements each; ended_set holds more

// A table of another configuration says nothing about this one.
Result<void> check_fits(const Config& config, const RoutingTable& routing) {
    bool fits = routing.rules.size() == config.rules.size();
    for (const RuleRouting& rule : routing.rules)
        for (const std::size_t backend : rule.eligible) fits = fits && backend < config.backends.size();
    if (fits) return {};
    return Error(ErrorKind::bad_input, "routing table",
                 "is not one of this configuration's rules and backends");
}

}  // namespace

// Everything that belongs to an open data path. What waits on the executor holds it weakly.
class Passthrough::Kernel : public std::enable_shared_from_this<Kernel> {
  public:
    static Result<std::shared_ptr<Kernel>> open(asio::any_io_executor executor,
                                                std::shared_ptr<const Config> config,
                                                const RoutingTable& routing) {
        UNDERSTUDY_CHECK(check_fits(*config, routing));
        UNDERSTUDY_TRY(PassthroughSettings settings, passthrough_settings(*config));
        auto kernel = std::shared_ptr<Kernel>(new Kernel(std::move(executor)));
        UNDERSTUDY_CHECK(kernel->rules_.configure(std::move(settings)));
        UNDERSTUDY_CHECK(in_network_namespace(config->network_namespace, [&kernel, &config, &routing] {
            return kernel->take(*config, routing);
        }));
        kernel->config_ = std::move(config);
        kernel->wait_for_idle_flows();
        kernel->sweep_for_timeouts();
        kernel->look_after_routes();
        return kernel;
    }

    Result<void> route(const RoutingTable& routing) {
        UNDERSTUDY_CHECK(check_fits(*config_, routing));
        return apply(rules_, routing);
    }

    Result<void> reconfigure(std::shared_ptr<const Config> config, const RoutingTable& routing) {
        if (config->network_namespace != config_->network_namespace || config->name != config_->name)
            return Error(ErrorKind::bad_input, "name or network_namespace",
                         "can't change while the balancer runs")
                .with_remedy("restart it");
        UNDERSTUDY_CHECK(check_fits(*config, routing));
        UNDERSTUDY_TRY(PassthroughSettings settings, passthrough_settings(*config));
        PassthroughRules next = rules_;
        UNDERSTUDY_CHECK(next.configure(std::move(settings)));
        const std::vector<BackendRoutes::Wanted> wanted = routes_of(*config, next);
        UNDERSTUDY_CHECK(routes_->set(config->frontend, wanted));
        Result<void> applied = apply(next, routing);
        if (applied.has_error()) {
            static_cast<void>(routes_->set(config_->frontend, routes_of(*config_, rules_)));
            return applied;
        }
        rules_ = std::move(next);
        config_ = std::move(config);
        sweep_for_timeouts();
        return {};
    }

    Result<void> end_established(const EndEstablished& what) {
        const std::uint32_t mark = rules_.mark_of({what.rule, what.backend});
        UNDERSTUDY_TRY(std::vector<ConntrackFlow> flows, conntrack_->flows(mark));
        std::erase_if(flows, [this](const ConntrackFlow& flow) { return !belongs(flow); });
        UNDERSTUDY_CHECK(remember_ended(flows));
        for (const ConntrackFlow& flow : flows) {
            UNDERSTUDY_CHECK(conntrack_->remove(flow));
            reset(flow);
        }
        return {};
    }

    Result<Traffic> traffic() {
        UNDERSTUDY_TRY(const std::string listed,
                       nftables_->run_for_json("list counters table " + table_.name));
        UNDERSTUDY_TRY(const NftCounters counters, read_counters(listed));
        UNDERSTUDY_TRY(const std::vector<ConntrackFlow> flows, conntrack_->flows(std::nullopt));
        Traffic traffic = traffic_of(*config_, rules_, counters);
        for (std::size_t rule = 0; rule < config_->rules.size(); ++rule)
            traffic.rules[rule].idle_timeouts = idle_timeouts_[config_->rules[rule].name];
        for (const ConntrackFlow& flow : flows) {
            if (!flow.open() || !belongs(flow)) continue;
            if (const auto nat = rules_.inbound_nat_of(flow.mark)) ++traffic.inbound_nat[*nat].established;
            if (const auto marked = rules_.flow_of(flow.mark))
                ++traffic.rules[marked->rule].backends[marked->backend].established;
        }
        return traffic;
    }

    void close() {
        events_.close();
        routes_timer_.cancel();
        sweeper_.reset();
        static_cast<void>(nftables_->run(render_removal(table_)));
        if (const auto flows = conntrack_->flows(std::nullopt))
            for (const ConntrackFlow& flow : *flows)
                if (belongs(flow)) static_cast<void>(conntrack_->remove(flow));
        routes_->clear();
    }

  private:
    explicit Kernel(asio::any_io_executor executor) : events_(executor), routes_timer_(executor) {}

    // In the namespace: opens all sockets and puts the table in force.
    Result<void> take(const Config& config, const RoutingTable& routing) {
        // First what says best which right is missing.
        UNDERSTUDY_TRY(segments_, StaleSegments::open());
        UNDERSTUDY_TRY(conntrack_, Conntrack::open());
        UNDERSTUDY_TRY(routes_, BackendRoutes::open());
        UNDERSTUDY_TRY(nftables_, io::Nftables::open());
        // Before the first flow: the kernel keeps no record of the end of a flow that nobody listened for.
        UNDERSTUDY_TRY(idle_flows_, IdleFlows::open());
        UNDERSTUDY_TRY(sweeper_, FlowSweeper::open());
        NftTable table = rules_.table(routing);
        Result<void> rest = run(render_table(table));
        if (rest.has_value()) rest = check_namespace(config);
        if (rest.has_value()) rest = routes_->set(config.frontend, routes_of(config, rules_));
        if (rest.has_error()) {
            static_cast<void>(nftables_->run(render_removal(table)));
            return rest;
        }
        table_ = std::move(table);
        boost::system::error_code failed;
        events_.assign(::fcntl(idle_flows_->descriptor(), F_DUPFD_CLOEXEC, 0), failed);
        if (failed) return system_error("conntrack events", failed.value());
        return {};
    }

    static std::vector<BackendRoutes::Wanted> routes_of(const Config& config, const PassthroughRules& rules) {
        bool floating = false;
        for (const Rule& rule : config.rules) floating = floating || rule.floating_ip;
        for (const InboundNatRule& rule : config.inbound_nat_rules) floating = floating || rule.floating_ip;
        std::vector<BackendRoutes::Wanted> wanted;
        for (std::size_t backend = 0; floating && backend < config.backends.size(); ++backend)
            wanted.push_back({rules.backend_id(backend), config.backends[backend].address});
        return wanted;
    }

    Result<void> apply(const PassthroughRules& rules, const RoutingTable& routing) {
        NftTable next = rules.table(routing);
        const NftTransactions change = render_change(table_, next);
        Result<void> changed = run(change);
        if (changed.has_error()) {
            // Of several transactions some may be in force.
            if (change.size() > 1) static_cast<void>(run(render_table(table_)));
            return changed;
        }
        table_ = std::move(next);
        return {};
    }

    Result<void> run(const NftTransactions& transactions) {
        for (const std::string& commands : transactions) UNDERSTUDY_CHECK(nftables_->run(commands));
        return {};
    }

    bool belongs(const ConntrackFlow& flow) const {
        return flow.mark != 0 && (flow.original.destination.address == config_->frontend ||
                                  flow.reply.destination.address == config_->frontend);
    }

    Result<void> remember_ended(const std::vector<ConntrackFlow>& flows) {
        std::vector<std::string> elements;
        for (const ConntrackFlow& flow : flows) {
            if (flow.protocol != IPPROTO_TCP || elements.size() >= 2 * most_resets) continue;
            for (const FlowTuple& tuple : {flow.original, flow.reply})
                elements.push_back(fmt::format("{} . {} . {} . {}", to_string(tuple.source.address),
                                               tuple.source.port, to_string(tuple.destination.address),
                                               tuple.destination.port));
        }
        if (elements.empty()) return {};
        UNDERSTUDY_CHECK(nftables_->run(
            fmt::format("add element {} {} {{ {} }}", table_.name, ended_set, fmt::join(elements, ", "))));
        return {};
    }

    // Makes both ends speak, so that they are answered by a reset.
    void reset(const ConntrackFlow& flow) {
        if (flow.protocol != IPPROTO_TCP) return;
        const std::uint32_t mark = own_segment_mark | (flow.mark & 0xffff);
        segments_->send(flow.original.destination, flow.original.source, mark);
        segments_->send(flow.reply.destination, flow.reply.source, mark);
    }

    void wait_for_idle_flows() {
        events_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [weak = weak_from_this()](const boost::system::error_code& failed) {
                               const auto self = weak.lock();
                               if (self == nullptr || failed || !self->events_.is_open()) return;
                               for (const ConntrackFlow& flow : self->idle_flows_->take()) {
                                   if (!self->belongs(flow)) continue;
                                   if (const auto marked = self->rules_.flow_of(flow.mark))
                                       ++self->idle_timeouts_[self->config_->rules[marked->rule].name];
                                   if (self->rules_.resets_idle(flow.mark)) self->reset(flow);
                               }
                               self->wait_for_idle_flows();
                           });
    }

    // An idle timeout is noticed at most a tenth of it late.
    void sweep_for_timeouts() {
        Duration shortest = longest_between_sweeps * 10;
        for (const Rule& rule : config_->rules) shortest = std::min(shortest, rule.idle_timeout);
        for (const InboundNatRule& rule : config_->inbound_nat_rules)
            shortest = std::min(shortest, rule.idle_timeout);
        if (config_->outbound) shortest = std::min(shortest, config_->outbound->idle_timeout);
        sweeper_->every(std::max(shortest / 10, shortest_between_sweeps));
    }

    void look_after_routes() {
        routes_timer_.expires_after(between_routes);
        routes_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& failed) {
            const auto self = weak.lock();
            if (self == nullptr || failed || !self->events_.is_open()) return;
            self->routes_->refresh();
            self->look_after_routes();
        });
    }

    std::shared_ptr<const Config> config_;
    PassthroughRules rules_;
    NftTable table_;  // in force
    std::optional<StaleSegments> segments_;
    std::optional<Conntrack> conntrack_;
    std::optional<BackendRoutes> routes_;
    std::optional<io::Nftables> nftables_;
    std::optional<IdleFlows> idle_flows_;
    std::optional<FlowSweeper> sweeper_;
    asio::posix::stream_descriptor events_;
    asio::steady_timer routes_timer_;
    std::map<std::string, std::uint64_t> idle_timeouts_;  // by the rule's name
};

Passthrough::Passthrough(asio::any_io_executor executor) : executor_(std::move(executor)) {}
Passthrough::~Passthrough() = default;

Result<void> Passthrough::open(std::shared_ptr<const Config> config, const RoutingTable& table) {
    UNDERSTUDY_TRY(kernel_, Kernel::open(executor_, std::move(config), table));
    return {};
}
Result<void> Passthrough::route(const RoutingTable& table) {
    return kernel_->route(table);
}
Result<void> Passthrough::reconfigure(std::shared_ptr<const Config> config, const RoutingTable& table) {
    return kernel_->reconfigure(std::move(config), table);
}
Result<void> Passthrough::end_established(const EndEstablished& what) {
    return kernel_->end_established(what);
}
Result<Traffic> Passthrough::traffic() {
    return kernel_->traffic();
}
void Passthrough::close() {
    if (kernel_ != nullptr) kernel_->close();
    kernel_.reset();
}

}  // namespace understudy::lb
