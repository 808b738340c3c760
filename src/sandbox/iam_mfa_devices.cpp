#include "sandbox/iam_mfa_devices.h"

#include <algorithm>
#include <array>

#include "common/base/encoding.h"
#include "sandbox/constraints.h"
#include "sandbox/iam_principals.h"
#include "sandbox/iam_shapes.h"
#include "sandbox/totp.h"
#include "sandbox/xml.h"

namespace tollgate::sandbox {
namespace {

constexpr std::size_t kMostDevices = 8;
constexpr std::size_t kMostDeviceNameCharacters = 226;
constexpr std::size_t kSeedBytes = 40;  // 64 base32 characters, as AWS gives
// A white pixel: the imitation draws no QR code, and clients want an image.
constexpr std::string_view kImage =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==";

OrRefused<std::string> read_serial(const Call& call) {
  return iam_text(call, "SerialNumber", 9, 256);
}

bool has_code(const MfaDevice& device, std::int64_t step, std::string_view code) {
  return step >= 0 && hotp(device.seed.reveal(), static_cast<std::uint64_t>(step)) == code;
}

// The two codes must follow one another; the second is at most one step ahead and the first at most two behind.
std::optional<Answer> check_consecutive_codes(World& world, const Call& call, const MfaDevice& device) {
  Constraints constraints(call);
  for (const auto& [parameter, member] : {std::pair("AuthenticationCode1", "authenticationCode1"),
                                          std::pair("AuthenticationCode2", "authenticationCode2")}) {
    constraints.required(parameter, member).length(parameter, member, 6, 6).digits(parameter, member);
  }
  if (auto fault = constraints.fault()) return fault;
  const std::int64_t now = totp_step(call.now);
  for (const std::int64_t first : {now - 1, now, now - 2}) {
    if (!has_code(device, first, call.text("AuthenticationCode1"))) continue;
    if (!has_code(device, first + 1, call.text("AuthenticationCode2"))) continue;
    use_step(world, device.serial, first);
    use_step(world, device.serial, first + 1);
    return std::nullopt;
  }
  return refuse(403, "InvalidAuthenticationCode", "Authentication code for device is not valid.");
}

Answer create_virtual_mfa_device(World& world, const Call& call) {
  const auto name = iam_name(call, "VirtualMFADeviceName", kMostDeviceNameCharacters);
  if (!name) return name.error();
  const auto path = iam_path(call);
  if (!path) return path.error();
  const auto tags = iam_tags(call);
  if (!tags) return tags.error();
  MfaDevice device;
  device.serial = iam_arn(call, "mfa", *path + *name);
  device.account = call.principal.account;
  device.created = call.now;
  device.tags = *tags;
  if (auto refused = authorize_iam(world, call, device.serial, tag_keys(&*tags, nullptr))) return *refused;
  if (world.devices.has(device.serial)) {
    return entity_already_exists("MFADevice entity at the same path and name already exists.");
  }
  device.seed = Secret::take(call.random->bytes(kSeedBytes));
  // The seed is a blob whose bytes are the base32 text: the Query protocol encodes it once more.
  Answer answer = done(
      device.serial,
      enclose("VirtualMFADevice", element("SerialNumber", device.serial) +
                                      element("Base32StringSeed", base64_encode(base32_encode(device.seed.reveal()))) +
                                      element("QRCodePNG", kImage) + tags_shape(device.tags)));
  world.devices.put(std::move(device));
  return answer;
}

Answer delete_virtual_mfa_device(World& world, const Call& call) {
  const auto serial = read_serial(call);
  if (!serial) return serial.error();
  const MfaDevice* device = world.devices.find(*serial);
  if (auto refused = authorize_iam(world, call, *serial, tag_keys(nullptr, device ? &device->tags : nullptr))) {
    return *refused;
  }
  if (device == nullptr || device->account != call.principal.account) {
    return no_such_entity(fmt::format("VirtualMFADevice with serial number {} doesn't exist.", *serial));
  }
  if (!device->user.empty()) return delete_conflict("MFA VirtualDevice in use. Must deactivate first.");
  world.devices.erase(*serial);
  world.used_steps.erase(*serial);
  return done(*serial);
}

Answer enable_mfa_device(World& world, const Call& call) {
  const auto serial = read_serial(call);
  if (!serial) return serial.error();
  const auto user = find_principal<UserKind>(world, call);
  if (!user) return user.error();
  const MfaDevice* present = world.devices.find(*serial);
  if (present == nullptr || present->account != call.principal.account) {
    return no_such_entity(fmt::format("MFA Device with serial number {} does not exist.", *serial));
  }
  if (!present->user.empty()) return entity_already_exists("MFA Device is already in use.");
  const auto& devices = world.devices.all();
  const auto owned = std::count_if(devices.begin(), devices.end(), [&](const auto& entry) {
    return entry.second.account == user->account && entry.second.user == user->name;
  });
  if (static_cast<std::size_t>(owned) >= kMostDevices) {
    return limit_exceeded(fmt::format("Cannot exceed quota for MFADevicesPerUser: {}", kMostDevices));
  }
  if (auto refused = check_consecutive_codes(world, call, *present)) return *refused;
  MfaDevice device = *present;
  device.user = user->name;
  device.enabled = call.now;
  world.devices.put(std::move(device));
  return done(user->arn());
}

// The device that SerialNumber names among those of the user that UserName names (or that calls).
struct OwnedDevice {
  User user;
  MfaDevice device;
};

OrRefused<OwnedDevice> owned_device(World& world, const Call& call) {
  const auto serial = read_serial(call);
  if (!serial) return tl::unexpected(serial.error());
  const auto user = find_user_or_caller(world, call);
  if (!user) return tl::unexpected(user.error());
  const MfaDevice* device = world.devices.find(*serial);
  if (device == nullptr || device->account != user->account || device->user != user->name) {
    return tl::unexpected(no_such_entity("MFA Device invalid for user."));
  }
  return OwnedDevice{*user, *device};
}

Answer deactivate_mfa_device(World& world, const Call& call) {
  auto owned = owned_device(world, call);
  if (!owned) return owned.error();
  owned->device.user.clear();
  owned->device.enabled = TimePoint{};
  world.devices.put(std::move(owned->device));
  return done(owned->user.arn());
}

Answer resync_mfa_device(World& world, const Call& call) {
  const auto owned = owned_device(world, call);
  if (!owned) return owned.error();
  if (auto refused = check_consecutive_codes(world, call, owned->device)) return *refused;
  return done(owned->user.arn());
}

Answer get_mfa_device(World& world, const Call& call) {
  const auto owned = owned_device(world, call);
  if (!owned) return owned.error();
  return done(owned->user.arn(), element("UserName", owned->user.name) + element("SerialNumber", owned->device.serial) +
                                     element("EnableDate", format_iso8601(owned->device.enabled)));
}

Answer list_mfa_devices(World& world, const Call& call) {
  const auto user = find_user_or_caller(world, call);
  if (!user) return user.error();
  std::vector<std::string> members;
  for (const auto& [serial, device] : world.devices.all()) {
    if (device.account != user->account || device.user != user->name) continue;
    members.push_back(element("UserName", user->name) + element("SerialNumber", serial) +
                      element("EnableDate", format_iso8601(device.enabled)));
  }
  return page(call, user->arn(), "MFADevices", members);
}

Answer list_virtual_mfa_devices(World& world, const Call& call) {
  const std::string resource = iam_arn(call, "mfa", "/");
  if (auto refused = authorize_iam(world, call, resource)) return *refused;
  const std::string_view status = call.text("AssignmentStatus");
  // Hardware devices have serial numbers that are no ARN.
  const std::string prefix = iam_arn(call, "mfa", "/");
  std::vector<std::string> members;
  for (const auto& [serial, device] : world.devices.all()) {
    if (device.account != call.principal.account || serial.compare(0, prefix.size(), prefix) != 0) continue;
    if (status == "Assigned" && device.user.empty()) continue;
    if (status == "Unassigned" && !device.user.empty()) continue;
    std::string member = element("SerialNumber", serial);
    if (const User* user = world.users.find(device.account + "/" + device.user)) {
      member +=
          enclose("User", user_shape(*user, Detail::listed)) + element("EnableDate", format_iso8601(device.enabled));
    }
    members.push_back(std::move(member));
  }
  return page(call, resource, "VirtualMFADevices", members);
}

// The device that SerialNumber names, for what concerns its tags.
OrRefused<MfaDevice> tagged_device(const World& world, const Call& call, const Tags* requested = nullptr) {
  const auto serial = read_serial(call);
  if (!serial) return tl::unexpected(serial.error());
  const MfaDevice* device = world.devices.find(*serial);
  if (auto refused = authorize_iam(world, call, *serial, tag_keys(requested, device ? &device->tags : nullptr))) {
    return tl::unexpected(std::move(*refused));
  }
  if (device == nullptr || device->account != call.principal.account) {
    return tl::unexpected(
        no_such_entity(fmt::format("VirtualMFADevice with serial number {} doesn't exist.", *serial)));
  }
  return *device;
}

Answer tag_mfa_device(World& world, const Call& call) {
  const auto tags = iam_tags(call);
  if (!tags) return tags.error();
  auto device = tagged_device(world, call, &*tags);
  if (!device) return device.error();
  if (auto refused = add_tags(*tags, device->tags)) return *refused;
  Answer answer = done(device->serial);
  world.devices.put(std::move(*device));
  return answer;
}

Answer untag_mfa_device(World& world, const Call& call) {
  auto device = tagged_device(world, call);
  if (!device) return device.error();
  for (const std::string& key : call.list("TagKeys"))
    device->tags.erase(key);
  Answer answer = done(device->serial);
  world.devices.put(std::move(*device));
  return answer;
}

Answer list_mfa_device_tags(World& world, const Call& call) {
  const auto device = tagged_device(world, call);
  if (!device) return device.error();
  return done(device->serial, tags_shape(device->tags, true) + element("IsTruncated", "false"));
}

constexpr std::array<Operation, 11> kMfaDevicesOperations{{{"CreateVirtualMFADevice", create_virtual_mfa_device},
                                                           {"DeleteVirtualMFADevice", delete_virtual_mfa_device},
                                                           {"EnableMFADevice", enable_mfa_device},
                                                           {"DeactivateMFADevice", deactivate_mfa_device},
                                                           {"ResyncMFADevice", resync_mfa_device},
                                                           {"GetMFADevice", get_mfa_device},
                                                           {"ListMFADevices", list_mfa_devices},
                                                           {"ListVirtualMFADevices", list_virtual_mfa_devices},
                                                           {"TagMFADevice", tag_mfa_device},
                                                           {"UntagMFADevice", untag_mfa_device},
                                                           {"ListMFADeviceTags", list_mfa_device_tags}}};

}  // namespace

std::span<const Operation> iam_mfa_device_operations() {
  return kMfaDevicesOperations;
}

}  // namespace tollgate::sandbox
