#include "io/posix_calls.h"

#include <system_error>

namespace colloquium::io {
namespace {

ErrorCode code_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kNoSpace;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermission;
    case ENOENT:
    case ENOTDIR:
    case EBADF:  // a descriptor that a path names
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kAlreadyExists;
    case EMFILE:
    case ENFILE:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kIo;
  }
}

std::string_view advice_for(int error) {
  switch (error) {
    case ENOSPC:
      return "free space on that disk";
    case EDQUOT:
      return "raise the disk quota of this user or free space";
    case EACCES:
    case EPERM:
      return "check the owner and the permissions";
    case EROFS:
      return "the file system is mounted read-only; remount it or use another folder";
    case ENOENT:
    case ENOTDIR:
      return "check the path";
    case EEXIST:
      return "choose another name or remove it";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case EIO:
      return "the disk reported an error; look into the kernel's log (dmesg)";
    default:
      return "check the disk and the path";
  }
}

}  // namespace

tl::unexpected<Error> failed(std::string_view verb, const std::string& path, int error) {
  std::string message = "cannot ";
  message.append(verb).append(" '").append(path).append("': ");
  message.append(std::generic_category().message(error)).append("; ").append(advice_for(error));
  const ErrorCode code = code_of(error);
  const bool passes = code == ErrorCode::kNoSpace || code == ErrorCode::kUnavailable;
  return fail(code, std::move(message), {}, passes);
}

}  // namespace colloquium::io
