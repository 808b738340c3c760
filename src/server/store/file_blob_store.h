// Blobs as files below one directory, each sealed as a whole for its key: a file that was changed, cut or put under
// another name does not open. Written by a temporary file, fsync, rename, fsync of the directory: whatever dies, the
// old or the new content is there. An older content put back in its place is not noticed here; who keeps the hash of
// the content beside the key (a state version, a configuration version) notices it.
//
// Memory: about twice the size of the blob while it is written or read. Threads: as domain::BlobStore says; two that
// write the same key at once leave one of both contents.
#pragma once

#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/base/random.h"
#include "server/domain/store.h"
#include "server/store/key_ring.h"

namespace tollgate::store {

inline constexpr std::size_t kMaxBlobBytes = std::size_t{2} << 30;

// Creates the directory where it is missing (0700) and removes what killed writers left more than an hour ago. `keys`
// and `random` outlive the store. Errors: as os::PrivateDirectory::create.
//
// Of the store: a key that is no path of letters, digits, '-', '_' and single '/' (at most 200 characters), or a blob
// above kMaxBlobBytes, throws std::invalid_argument; tampering and a missing master key throw DatabaseError (tampered);
// a disk that refuses throws DatabaseError (other).
Result<std::unique_ptr<domain::BlobStore>> open_file_blob_store(const std::string& directory, const KeyRing& keys,
                                                                RandomSource& random);

}  // namespace tollgate::store
