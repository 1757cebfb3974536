#include "gateway/s3/lifecycle_runner.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "coffer/core/log.h"
#include "gateway/s3/lifecycle.h"

namespace coffer::gateway {
namespace {

constexpr std::int64_t kPassesADay = 24;

/// One bucket in one pass.
class BucketPass {
 public:
  BucketPass(S3Service& service, const std::atomic<bool>& stopping, std::string bucket,
             std::int64_t now)
      : service_(service),
        stopping_(stopping),
        bucket_(std::move(bucket)),
        now_(now),
        clock_{service.lifecycle_day_s} {}

  /// How much was removed.
  Result<std::uint64_t> run(std::string_view configuration) {
    auto rules = parse_lifecycle(configuration);
    if (!rules) return fail(Errc::Corrupt, "the rules cannot be read");
    rules_ = std::move(*rules);
    std::erase_if(rules_, [](const LifecycleRule& rule) { return !rule.enabled; });
    if (has([](const LifecycleRule& r) {
          return r.days || r.date_unix_s || r.expired_marker || r.noncurrent_days;
        })) {
      COFFER_TRY(walk_versions());
    }
    if (has([](const LifecycleRule& r) { return r.abort_days.has_value(); }))
      COFFER_TRY(walk_uploads());
    return removed_;
  }

 private:
  template <typename Wanted>
  [[nodiscard]] bool has(const Wanted& wanted) const {
    return std::any_of(rules_.begin(), rules_.end(), wanted);
  }
  [[nodiscard]] bool is_due(std::int64_t at) const { return at <= now_; }

  Result<void> walk_versions() {
    VersionListRequest request;
    for (;;) {
      COFFER_ASSIGN(const VersionPage page, service_.objects.list_versions(bucket_, request));
      for (const VersionEntry& entry : page.entries) {
        if (stopping_) return {};
        COFFER_TRY(judge(entry));
      }
      if (!page.truncated) break;
      request.key_marker = page.next_key;
      request.version_marker = page.next_version;
    }
    return judge_lone_marker();
  }

  /// They come by key, the newest first.
  Result<void> judge(const VersionEntry& entry) {
    if (entry.info.key != key_ || entry.latest) {
      COFFER_TRY(judge_lone_marker());
      key_ = entry.info.key;
      noncurrent_ = 0;
    }
    Result<void> done;
    if (!entry.latest) {
      marker_.reset();  // it hides something
      done = judge_noncurrent(entry);
    } else if (entry.marker) {
      marker_ = entry;
    } else {
      done = judge_current(entry.info);
    }
    newer_ = entry.info.modified;
    return done;
  }

  /// With its tags, where a rule asks for them. Nothing: it is gone.
  Result<std::optional<ObjectInfo>> whole(const LifecycleRule& rule, const ObjectInfo& listed) {
    if (!rule.asks_for_tags()) return std::optional<ObjectInfo>(listed);
    auto info = service_.objects.head(bucket_, listed.key, listed.version);
    if (info) return std::optional<ObjectInfo>(std::move(*info));
    if (info.error().code == Errc::NotFound) return std::optional<ObjectInfo>{};
    return fail(std::move(info).error());
  }

  Result<void> judge_current(const ObjectInfo& listed) {
    for (const LifecycleRule& rule : rules_) {
      if (!rule.covers_key(listed.key) || !(rule.days || rule.date_unix_s)) continue;
      COFFER_ASSIGN(const auto info, whole(rule, listed));
      const auto at = info ? expires_at(rule, *info, clock_) : std::nullopt;
      if (!at || !is_due(*at)) continue;
      RemoveRequest request{bucket_, listed.key};
      // The very one that was judged: another one may have come since.
      request.conditions.if_inode = listed.inode;
      request.conditions.if_match = listed.etag;
      return remove(request);
    }
    return {};
  }

  Result<void> judge_noncurrent(const VersionEntry& entry) {
    const std::uint64_t behind = noncurrent_++;
    const std::int64_t since = entry.marker ? newer_.seconds : entry.noncurrent_since.seconds;
    for (const LifecycleRule& rule : rules_) {
      if (!rule.noncurrent_days || !rule.covers_key(entry.info.key)) continue;
      if (behind < rule.newer_noncurrent.value_or(0)) continue;
      if (!is_due(clock_.after(since, *rule.noncurrent_days))) continue;
      if (!entry.marker) {
        COFFER_ASSIGN(const auto info, whole(rule, entry.info));
        if (!info || !rule.covers(*info)) continue;
      } else if (rule.asks_for_tags()) {
        continue;
      }
      return remove({bucket_, entry.info.key, entry.info.version});
    }
    return {};
  }

  /// A delete marker that hides nothing any more.
  Result<void> judge_lone_marker() {
    if (!marker_) return {};
    const VersionEntry marker = *std::exchange(marker_, std::nullopt);
    for (const LifecycleRule& rule : rules_) {
      if (!rule.covers_key(marker.info.key) || rule.asks_for_tags()) continue;
      const bool old =
          (rule.days && is_due(clock_.after(marker.info.modified.seconds, *rule.days))) ||
          (rule.date_unix_s && is_due(*rule.date_unix_s));
      if (rule.expired_marker.value_or(false) || old)
        return remove({bucket_, marker.info.key, marker.info.version});
    }
    return {};
  }

  Result<void> walk_uploads() {
    std::string key, id;
    for (;;) {
      COFFER_ASSIGN(const UploadPage page,
                    service_.objects.uploads(bucket_, {}, {}, key, id, 1000));
      for (const UploadInfo& upload : page.uploads) {
        if (stopping_) return {};
        const bool due = has([&](const LifecycleRule& rule) {
          return rule.abort_days && rule.covers_key(upload.key) &&
                 is_due(clock_.after(upload.initiated.seconds, *rule.abort_days));
        });
        if (!due) continue;
        auto done = service_.objects.abort_upload(bucket_, upload.key, upload.upload_id);
        if (!done && done.error().code != Errc::NotFound) return done;
        ++removed_;
      }
      if (!page.truncated) return {};
      key = page.next_key;
      id = page.next_upload_id;
    }
  }

  Result<void> remove(const RemoveRequest& request) {
    const auto removed = service_.objects.remove(request, Durability::Relaxed);
    if (removed) {
      ++removed_;
      return {};
    }
    switch (removed.error().code) {
      case Errc::NotFound:    // gone already
      case Errc::Conflict:    // another one is there
      case Errc::Permission:  // locked
      case Errc::NotDirectory:
        return {};
      default:
        return fail(removed.error());
    }
  }

  S3Service& service_;
  const std::atomic<bool>& stopping_;
  const std::string bucket_;
  const std::int64_t now_;
  const LifecycleClock clock_;
  std::vector<LifecycleRule> rules_;
  std::uint64_t removed_ = 0;

  std::string key_;                     // that the walk is at
  std::uint64_t noncurrent_ = 0;        // versions of it that are not current, so far
  Timespec newer_;                      // when the entry before was made
  std::optional<VersionEntry> marker_;  // the key's newest entry, and all that was seen of it
};

}  // namespace

void LifecycleRunner::start() {
  const auto interval = std::clamp<std::int64_t>(service_.lifecycle_day_s / kPassesADay, 1, 3600);
  task_ = std::make_unique<PeriodicTask>("lifecycle", std::chrono::seconds(interval), [this] {
    run_once(static_cast<std::int64_t>(std::time(nullptr)));
  });
}

void LifecycleRunner::stop() {
  stopping_ = true;
  if (task_) task_->stop();
}

void LifecycleRunner::run_once(std::int64_t now_unix_s) {
  const auto buckets = service_.objects.buckets();
  if (!buckets) {
    log_warning("lifecycle: {}", buckets.error().context);
    return;
  }
  std::uint64_t removed = 0;
  for (const BucketInfo& bucket : *buckets) {
    const auto rules = bucket.settings->find(setting::kLifecycle);
    if (rules == bucket.settings->end() || stopping_) continue;
    const auto done = BucketPass(service_, stopping_, bucket.name, now_unix_s).run(rules->second);
    if (done)
      removed += *done;
    else if (done.error().code != Errc::NotFound)
      log_warning("lifecycle: a bucket's pass ended early: {}", done.error().context);
  }
  if (removed == 0) return;
  if (service_.durability == Durability::Synced) {
    if (const auto synced = service_.sync(); !synced)
      log_warning("lifecycle: {}", synced.error().context);
  }
  if (service_.after_change) service_.after_change();
}

}  // namespace coffer::gateway
