#include "runner/isolation/network_setup.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tollgate::isolation {
namespace {

struct RouteRequest {
  nlmsghdr header;
  rtmsg route;
  rtattr attribute;
  std::uint32_t destination;
};

struct Answer {
  nlmsghdr header;
  nlmsgerr error;
  char rest[256];
};

int add_prohibit_route(int netlink, std::uint32_t network, unsigned char bits) {
  RouteRequest request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_NEWROUTE;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  request.route.rtm_family = AF_INET;
  request.route.rtm_dst_len = bits;
  request.route.rtm_table = RT_TABLE_MAIN;
  request.route.rtm_protocol = RTPROT_STATIC;
  request.route.rtm_scope = RT_SCOPE_UNIVERSE;
  request.route.rtm_type = RTN_PROHIBIT;
  request.attribute.rta_len = RTA_LENGTH(sizeof request.destination);
  request.attribute.rta_type = RTA_DST;
  request.destination = htonl(network);
  if (send(netlink, &request, sizeof request, 0) < 0) return errno;
  Answer answer{};
  if (recv(netlink, &answer, sizeof answer, 0) < 0) return errno;
  return answer.header.nlmsg_type == NLMSG_ERROR ? -answer.error.error : EPROTO;
}

}  // namespace

int raise_loopback() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const int result = ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
  close(fd);
  return result;
}

int refuse_destinations(bool private_too) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return errno;
  int result = add_prohibit_route(fd, 0xA9FE0000, 16);                              // 169.254.0.0/16
  if (private_too && result == 0) result = add_prohibit_route(fd, 0x0A000000, 8);   // 10.0.0.0/8
  if (private_too && result == 0) result = add_prohibit_route(fd, 0xAC100000, 12);  // 172.16.0.0/12
  if (private_too && result == 0) result = add_prohibit_route(fd, 0xC0A80000, 16);  // 192.168.0.0/16
  if (private_too && result == 0) result = add_prohibit_route(fd, 0x64400000, 10);  // 100.64.0.0/10
  close(fd);
  return result;
}

int listen_on_loopback(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  // Connections of the program before may still be waiting for their end there.
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd, 128) != 0) {
    const int number = errno;
    close(fd);
    return -number;
  }
  return fd;
}

int send_descriptors(int socket, int status[2], const int* descriptors, std::size_t count) {
  iovec bytes{status, 2 * sizeof(int)};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxListeners * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

}  // namespace tollgate::isolation
