#include "sandbox/iam_mfa_devices.h"

#include "common/base/encoding.h"
#include "sandbox/totp.h"
#include "tests/unit/sandbox/iam_fixture.h"

namespace tollgate::sandbox {
namespace {

class IamMfaDevicesTest : public IamTest {
 protected:
  static constexpr const char* kSerial = "arn:aws:iam::123456789012:mfa/phone";

  Answer create(const std::string& name = "phone") {
    return call("CreateVirtualMFADevice", {{"VirtualMFADeviceName", name}});
  }
  // The code that a device shows `steps` periods from now.
  std::string code(int steps, const std::string& serial = kSerial) {
    return totp(world_.devices.find(serial)->seed, now_ + std::chrono::seconds(30 * steps));
  }
  Answer enable(const std::string& first, const std::string& second, const std::string& serial = kSerial) {
    return call("EnableMFADevice", {{"UserName", "ana"},
                                    {"SerialNumber", serial},
                                    {"AuthenticationCode1", first},
                                    {"AuthenticationCode2", second}});
  }
};

TEST_F(IamMfaDevicesTest, LiveFromCreateToDelete) {
  const Answer created = create();
  EXPECT_EQ(text(created, {"VirtualMFADevice", "SerialNumber"}), kSerial);
  // The seed travels as base64 of base32 text; clients show the inner one.
  const auto seed = base64_decode(text(created, {"VirtualMFADevice", "Base32StringSeed"}));
  ASSERT_TRUE(seed);
  EXPECT_EQ(seed->size(), 64U);
  EXPECT_EQ(*base32_decode(*seed), world_.devices.find(kSerial)->seed.reveal());
  const auto image = base64_decode(text(created, {"VirtualMFADevice", "QRCodePNG"}));
  ASSERT_TRUE(image);
  EXPECT_EQ(image->substr(1, 3), "PNG");
  EXPECT_EQ(members(call("ListVirtualMFADevices", {{"AssignmentStatus", "Unassigned"}}), "VirtualMFADevices"), 1U);
  EXPECT_EQ(members(call("ListVirtualMFADevices", {{"AssignmentStatus", "Assigned"}}), "VirtualMFADevices"), 0U);

  expect_done(enable(code(-1), code(0)));
  const Answer listed = call("ListMFADevices", {{"UserName", "ana"}});
  EXPECT_EQ(text(listed, {"MFADevices", "member", "SerialNumber"}), kSerial);
  EXPECT_EQ(text(listed, {"MFADevices", "member", "EnableDate"}), "2026-01-02T03:04:05Z");
  const Answer assigned = call("ListVirtualMFADevices");
  EXPECT_EQ(text(assigned, {"VirtualMFADevices", "member", "User", "UserName"}), "ana");
  EXPECT_EQ(assigned.result.find("Seed"), std::string::npos);
  EXPECT_EQ(text(call("GetMFADevice", {{"UserName", "ana"}, {"SerialNumber", kSerial}}), {"UserName"}), "ana");

  expect_refused(call("DeleteVirtualMFADevice", {{"SerialNumber", kSerial}}), 409, "DeleteConflict",
                 "MFA VirtualDevice in use. Must deactivate first.");
  expect_done(call("DeactivateMFADevice", {{"UserName", "ana"}, {"SerialNumber", kSerial}}));
  expect_done(call("DeleteVirtualMFADevice", {{"SerialNumber", kSerial}}));
  expect_refused(call("DeleteVirtualMFADevice", {{"SerialNumber", kSerial}}), 404, "NoSuchEntity",
                 std::string("VirtualMFADevice with serial number ") + kSerial + " doesn't exist.");
}

TEST_F(IamMfaDevicesTest, NeedTwoCodesInARow) {
  create();
  const auto refused = [&](const std::string& first, const std::string& second) {
    expect_refused(enable(first, second), 403, "InvalidAuthenticationCode",
                   "Authentication code for device is not valid.");
  };
  refused("000000", "000000");
  refused(code(0), code(0));
  refused(code(0), code(-1));
  refused(code(-1), code(1));
  refused(code(-9), code(-8));
  refused(code(1), code(2));
  EXPECT_EQ(enable("12345", "123456").code, "ValidationError");
  EXPECT_EQ(enable("12345x", "123456").code, "ValidationError");
  EXPECT_EQ(world_.devices.find(kSerial)->user, "");
  expect_done(enable(code(0), code(1)));
}

TEST_F(IamMfaDevicesTest, TheCodesThatEnableAreUsedUp) {
  create();
  const std::string second = code(0);
  expect_done(enable(code(-1), second));
  const MfaDevice device = *world_.devices.find(kSerial);
  EXPECT_FALSE(accept_code(world_, device, second, now_));
  EXPECT_TRUE(accept_code(world_, device, code(1), now_));
}

TEST_F(IamMfaDevicesTest, BelongToOneUser) {
  create();
  expect_done(enable(code(-1), code(0)));
  expect_refused(enable(code(0), code(1)), 409, "EntityAlreadyExists", "MFA Device is already in use.");
  expect_refused(call("DeactivateMFADevice", {{"UserName", "admin"}, {"SerialNumber", kSerial}}), 404, "NoSuchEntity",
                 "MFA Device invalid for user.");
  expect_refused(create(), 409, "EntityAlreadyExists", "MFADevice entity at the same path and name already exists.");
}

TEST_F(IamMfaDevicesTest, EightPerUser) {
  for (int n = 0; n < 9; ++n) {
    const std::string name = "phone" + std::to_string(n);
    const std::string serial = "arn:aws:iam::123456789012:mfa/" + name;
    create(name);
    const Answer answer = enable(code(-1, serial), code(0, serial), serial);
    if (n < 8) {
      expect_done(answer);
    } else {
      expect_refused(answer, 409, "LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8");
    }
  }
}

TEST_F(IamMfaDevicesTest, OneselfMayEnrolWithTheUsualPolicy) {
  permit("ana", R"([{"Effect":"Allow","Action":["iam:CreateVirtualMFADevice","iam:DeleteVirtualMFADevice"],
                     "Resource":"arn:aws:iam::*:mfa/${aws:username}"},
                    {"Effect":"Allow","Action":["iam:EnableMFADevice","iam:ListMFADevices","iam:ResyncMFADevice"],
                     "Resource":"arn:aws:iam::*:user/${aws:username}"}])");
  EXPECT_EQ(call_as("ana", "CreateVirtualMFADevice", {{"VirtualMFADeviceName", "admin"}}).code, "AccessDenied");
  expect_done(call_as("ana", "CreateVirtualMFADevice", {{"VirtualMFADeviceName", "ana"}}));
  const std::string serial = "arn:aws:iam::123456789012:mfa/ana";
  expect_done(call_as("ana", "EnableMFADevice",
                      {{"UserName", "ana"},
                       {"SerialNumber", serial},
                       {"AuthenticationCode1", code(-1, serial)},
                       {"AuthenticationCode2", code(0, serial)}}));
  EXPECT_EQ(members(call_as("ana", "ListMFADevices"), "MFADevices"), 1U);
  expect_done(call_as("ana", "ResyncMFADevice",
                      {{"UserName", "ana"},
                       {"SerialNumber", serial},
                       {"AuthenticationCode1", code(0, serial)},
                       {"AuthenticationCode2", code(1, serial)}}));
  EXPECT_EQ(call_as("ana", "DeactivateMFADevice", {{"UserName", "ana"}, {"SerialNumber", serial}}).code,
            "AccessDenied");
}

TEST_F(IamMfaDevicesTest, HaveTags) {
  create();
  expect_done(
      call("TagMFADevice", {{"SerialNumber", kSerial}, {"Tags.member.1.Key", "a"}, {"Tags.member.1.Value", "1"}}));
  EXPECT_EQ(text(call("ListMFADeviceTags", {{"SerialNumber", kSerial}}), {"Tags", "member", "Value"}), "1");
  expect_done(call("UntagMFADevice", {{"SerialNumber", kSerial}, {"TagKeys.member.1", "a"}}));
  EXPECT_EQ(members(call("ListMFADeviceTags", {{"SerialNumber", kSerial}}), "Tags"), 0U);
  EXPECT_EQ(call("ListMFADeviceTags", {{"SerialNumber", std::string(kSerial) + "x"}}).code, "NoSuchEntity");
}

}  // namespace
}  // namespace tollgate::sandbox
