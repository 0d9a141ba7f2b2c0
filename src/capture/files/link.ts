/** Link types of capture files (the LINKTYPE_ registry of pcap) and which of them the decoder reads. */
import {
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_IPV6,
  LINK_LINUX_SLL,
  LINK_LINUX_SLL2,
  LINK_LOOP,
  LINK_NULL,
  LINK_RAW_IP,
} from '../../contracts/packet.ts';

/** Raw IP as some systems number it in files: 12 on most, 14 on OpenBSD. */
const RAW_IP_MOST = 12;
const RAW_IP_OPENBSD = 14;

/** The `LINK_*` constant of a file's link type; `undefined` for a link that is not read. */
export function linkOf(linkType: number): number | undefined {
  switch (linkType) {
    case LINK_NULL:
    case LINK_ETHERNET:
    case LINK_RAW_IP:
    case LINK_LOOP:
    case LINK_LINUX_SLL:
    case LINK_IPV4:
    case LINK_IPV6:
    case LINK_LINUX_SLL2:
      return linkType;
    case RAW_IP_MOST:
    case RAW_IP_OPENBSD:
      return LINK_RAW_IP;
    default:
      return undefined;
  }
}

export function unsupportedLink(linkType: number): string {
  return `link type ${linkType} is not supported (Ethernet, Linux cooked, raw IP and BSD loopback are)`;
}
