#pragma once

// Internal to libs/http: replies as bytes.

#include <string>
#include <string_view>

#include "libs/http/message.h"

namespace gatehouse::http {

struct ReplyFraming {
  bool http10 = false;  // the request was HTTP/1.0
  bool head = false;    // it was HEAD: no body
  bool close = false;   // the connection closes after this
};

// Appends the reply to `out`. `date` is the value of the Date header. Nothing in a reply makes a
// browser run what a client sent: error texts repeat parts of requests, as text/html.
void AppendReply(const Response& response, const ReplyFraming& framing, std::string_view date,
                 std::string& out);

// A reply of the server itself, without a handler.
Response PlainError(int status);

}  // namespace gatehouse::http
