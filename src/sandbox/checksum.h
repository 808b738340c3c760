// The checksums that S3 clients send with a body and S3 compares: Content-MD5 and the x-amz-checksum-* family. All of
// them as raw bytes, big-endian. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tollgate::sandbox {

std::string md5(std::string_view bytes);     // 16 bytes
std::string crc32(std::string_view bytes);   // IEEE 802.3, 4 bytes
std::string crc32c(std::string_view bytes);  // Castagnoli, 4 bytes
std::string crc64nvme(std::string_view bytes);

// By the last part of the header's name: crc32, crc32c, crc64nvme, sha1, sha256. nullopt for another.
std::optional<std::string> checksum(std::string_view algorithm, std::string_view bytes);

}  // namespace tollgate::sandbox
