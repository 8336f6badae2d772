export { SpdyError, type SpdyHeaders } from './header-block.ts';
export { ServerConnections } from './server-connections.ts';
export { SpdyConnection, type SpdyConnectionOptions } from './spdy-connection.ts';
export { SpdyStream } from './spdy-stream.ts';
