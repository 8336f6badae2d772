import { DnsServer, token } from './provider.ts';

console.log(`a provider of DNS in memory, for the token "${token}": ${await new DnsServer().listen(8053)}`);
