-- Module of Prosody: asks the DNS server of the test world instead of the one in /etc/resolv.conf, which cannot be
-- replaced where the world is not isolated. Without lua-unbound Prosody has no setting for it.
module:set_global();
local server = module:get_option_string("world_dns_server");
local resolver = getmetatable(require "net.dns"._resolver);
function resolver:adddefaultnameservers()
	self:addnameserver(server);
end
