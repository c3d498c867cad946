// Whether who asks is in the house: an address of a private network, of one link, or of this machine.
// What a proxy forwards comes from anywhere, whatever address the proxy has.
import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

const LOCAL = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const)
  LOCAL.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  LOCAL.addSubnet(network, bits, 'ipv6');
LOCAL.addAddress('::1', 'ipv6');

const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'];

/** A UNIX socket has no address: whoever is behind it is not known. */
export function isFromHouse({ socket, headers }: FastifyRequest): boolean {
  const isForwarded = FORWARDED.some((name) => headers[name] !== undefined);
  return !isForwarded && isLocalAddress(socket.remoteAddress ?? '');
}

/** Also of IPv4 in IPv6's form, as a server that listens on both sees it. */
export function isLocalAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  const version = isIP(plain);
  return version !== 0 && LOCAL.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}
