// Group commit: what is in which segment, who waits for it, and what is left when one fails or when
// another context was first.
#include "engine/commits.hpp"

#include <doctest/doctest.h>

#include "store/journal.hpp"
#include "support/somatic_schema.hpp"

using namespace somatic;
using testing::somatic_schema;

namespace {

struct Journal {
  Store store;
  Commits commits{somatic_schema(), store};

  static Entry add(int by) {
    Change change;
    change.inc = {{"total_completions", by}};
    return Wrote{{1, 1, "boot"}, {{"progress", "self", "id", change}}};
  }
  void write(int by, Ticket ticket) {
    commits.append(add(by));
    CHECK(commits.settle_with_next(ticket));
  }
  [[nodiscard]] std::int64_t total() const {
    const Row* row = store.find({"progress", "self"});
    return row == nullptr ? 0 : integer_at(*row->columns(), "total_completions");
  }
  [[nodiscard]] std::size_t entries() const {
    const auto decoded = decode_segment(commits.segment());
    return decoded.ok() ? decoded.value().size() : 0;
  }
};

using Tickets = std::vector<Ticket>;

}  // namespace

TEST_CASE("commits: one segment at a time, later entries wait for the next") {
  Journal journal;
  CHECK(journal.commits.idle());
  CHECK_FALSE(journal.commits.next());
  CHECK_FALSE(journal.commits.settle_with_next(9));
  journal.write(1, 1);
  CHECK(journal.commits.next());
  journal.write(2, 2);
  journal.write(4, 3);
  CHECK(journal.total() == 7);
  CHECK_FALSE(journal.commits.next());
  CHECK(journal.entries() == 1);
  CHECK(journal.commits.durable().tickets == Tickets{1});
  CHECK(journal.commits.next());
  CHECK(journal.entries() == 2);
  CHECK(journal.commits.settle_with_next(4));  // nothing is open: the one under way will do
  CHECK(journal.commits.durable().tickets == Tickets{2, 3, 4});
  CHECK(journal.commits.idle());
  CHECK(journal.commits.durable().tickets.empty());
}

TEST_CASE("commits: a failure takes back its own entries and keeps the later ones") {
  Journal journal;
  journal.write(1, 1);
  journal.commits.next();
  journal.commits.durable();
  journal.write(10, 2);
  journal.commits.wake_run_with_next();
  journal.commits.next();
  journal.write(100, 3);
  const Commits::Group failed = journal.commits.failed();
  CHECK(failed.tickets == Tickets{2});
  CHECK(failed.run_waits);
  CHECK(journal.total() == 101);
  CHECK(journal.commits.failed().tickets.empty());
  CHECK(journal.commits.next());
  const Commits::Group last = journal.commits.durable();
  CHECK(last.tickets == Tickets{3});
  CHECK_FALSE(last.run_waits);
}

TEST_CASE("commits: a segment of another context goes below what is not durable") {
  Journal journal;
  journal.write(1, 1);
  journal.commits.next();
  journal.write(2, 2);
  Outcome outcome;
  CHECK_FALSE(
      journal.commits.insert(encode_segment({Journal::add(10), Journal::add(20)}), false, outcome));
  CHECK(journal.total() == 33);
  journal.commits.failed();
  CHECK(journal.total() == 32);
  journal.commits.next();
  journal.commits.failed();
  CHECK(journal.total() == 30);
  const auto error = journal.commits.insert("no segment", false, outcome);
  REQUIRE(error.has_value());
  CHECK(error->code == "storage-damaged");
  CHECK(journal.total() == 30);
}

TEST_CASE("commits: what waits for a segment that will not come is taken back") {
  Journal journal;
  journal.write(1, 1);
  journal.commits.next();
  journal.write(2, 2);
  CHECK(journal.commits.drop_open().tickets == Tickets{2});
  CHECK(journal.total() == 1);
  CHECK(journal.commits.durable().tickets == Tickets{1});
  journal.write(4, 3);
  CHECK(journal.commits.drop_open().tickets == Tickets{3});
  CHECK(journal.total() == 1);
  CHECK(journal.commits.drop_open().tickets.empty());
}
