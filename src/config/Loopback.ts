import { BlockList, isIP } from "node:net"

/** Can only this machine reach a server that is bound to `host`? */
export const isLoopback = (host: string): boolean => {
  // Asked of every request's Host header; these two need no address arithmetic.
  if (host === "127.0.0.1" || host === "localhost") return true
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === "localhost"
  return loopback.check(host, family === 4 ? "ipv4" : "ipv6")
}

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8)
loopback.addAddress("::1", "ipv6")
