<?php
// A shop in plain PHP that takes payments by `jibit agent`.
//
// AGENT_URL=http://127.0.0.1:8092 WEBHOOK_SECRET_FILE=webhook.secret BOOK=book.sqlite3 \
//     php -S 127.0.0.1:8000 shop.php

const FORM = <<<'HTML'
<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8"><title>کتاب‌فروشی</title>
<form method="post" action="/buy"><p>سه کتاب، ۱۲٬۵۰۰ تومان</p>
<label>شمارهٔ همراه <input name="mobile" inputmode="tel" required></label> <button>پرداخت</button></form>
HTML;
function book(): PDO
{
    $book = new PDO('sqlite:' . getenv('BOOK'), options: [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
    $book->exec('CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, shipped INTEGER)');
    return $book;
}

function agent(string $path, array $body): array
{
    $asked = ['method' => 'POST', 'header' => 'Content-Type: application/json', 'timeout' => 30,
        'content' => json_encode((object) $body)];
    $answer = file_get_contents(getenv('AGENT_URL') . $path, false, stream_context_create(['http' => $asked]));
    return json_decode($answer ?: '', true, flags: JSON_THROW_ON_ERROR); // a refusal throws
}

function is_signed(string $body): bool
{
    $secret = trim(file_get_contents(getenv('WEBHOOK_SECRET_FILE')));
    $key = base64_decode(substr($secret, strlen('whsec_')));
    $sent = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    $signed = ($_SERVER['HTTP_WEBHOOK_ID'] ?? '') . ".$sent.$body";
    $right = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
    return ctype_digit($sent) && abs(time() - (int) $sent) < 300
        && hash_equals($right, $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '');
}

/** Ships an order once, however often it is told. */
function ship(string $number): void
{
    $book = book();
    $book->beginTransaction();
    $order = $book->prepare('SELECT shipped FROM orders WHERE number = ?');
    $order->execute([$number]);
    [$shipped] = $order->fetch(PDO::FETCH_NUM) ?: throw new OutOfBoundsException($number);
    if (!$shipped) {
        $book->prepare('UPDATE orders SET shipped = 1 WHERE number = ?')->execute([$number]);
        error_log("shipping $number"); // whatever a shop does, in the same transaction
    }
    $book->commit();
    agent("/orders/$number/fulfilled", []);
}

ini_set('display_errors', '0');
http_response_code(500); // until it is done
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$body = file_get_contents('php://input');
if ($path === '/buy') {
    $number = 'php-' . bin2hex(random_bytes(8));
    book()->prepare('INSERT INTO orders VALUES (?, 0)')->execute([$number]);
    $order = ['number' => $number, 'amount' => 125000, 'mobile' => $_POST['mobile'] ?? '',
        'description' => 'سه کتاب'];
    header('Location: ' . agent('/orders', $order)['redirectUrl'], true, 303);
} elseif ($path === '/shipments') {
    $shipped = book()->query('SELECT number FROM orders WHERE shipped = 1');
    http_response_code(200);
    echo json_encode($shipped->fetchAll(PDO::FETCH_COLUMN));
} elseif ($path === '/jibit' && is_signed($body)) {
    $event = json_decode($body, true, flags: JSON_THROW_ON_ERROR);
    if ($event['type'] === 'order.paid') {
        ship($event['data']['order']['number']);
    }
    http_response_code(200); // only now: if we die before, it comes again
} elseif ($_SERVER['REQUEST_METHOD'] === 'GET') {
    http_response_code(200);
    echo FORM;
} else {
    http_response_code(401);
}
