export { ExecNetwork } from './exec/exec-network.ts';
export { execNetworkPlugin } from './exec/plugin.ts';
export { noNetworkPlugin } from './none/plugin.ts';
export { routedNetworkPlugin } from './routed/plugin.ts';
export { RoutedNetwork, type RoutedNetworkOptions } from './routed/routed-network.ts';
