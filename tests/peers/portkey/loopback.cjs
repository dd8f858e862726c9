// Portkey's gateway listens on all interfaces and has no setting for it; a test's server is nobody else's.
const net = require('node:net');

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (where, ...rest) {
  const told = rest.find((each) => typeof each === 'function');
  return listen.call(this, { port: Number(where.port ?? where), host: '127.0.0.1' }, told);
};
