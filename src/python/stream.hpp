// Streams as Python sees them.
#pragma once

#include <nanobind/stl/unique_ptr.h>

#include <memory>

#include "cell.hpp"
#include "runtime/stream.hpp"

namespace aios::python {

// For one thread at a time: another one that comes meanwhile is refused.
class Stream {
 public:
  Stream(std::shared_ptr<runtime::LoadedModel> model, int64_t batch);
  ~Stream() { close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  nanobind::object step(nanobind::handle x, nanobind::handle out);
  nanobind::dict save() const;
  void restore(nanobind::handle state);
  void reset() { open().reset(); }
  Signature signature() const { return open().signature(); }
  void close();

 private:
  runtime::Stream& open() const;

  std::unique_ptr<runtime::Stream> stream_;
  bool stepping_ = false;  // read and written under the GIL only
};

std::unique_ptr<Stream> openStream(const Cell& cell, int64_t batch);

}  // namespace aios::python
