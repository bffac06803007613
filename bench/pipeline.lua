-- SPDX-License-Identifier: MIT
-- Each write carries as many requests as the first argument behind "--" says (16).

init = function(args)
	local one = wrk.format()
	pipelined = string.rep(one, tonumber(args[1]) or 16)
end

request = function()
	return pipelined
end
