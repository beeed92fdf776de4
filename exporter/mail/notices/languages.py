"""Phrases of mail servers in other languages than English; see `phrases`. One pattern per line, in
lower case."""

FAILURE = r"""
    fehler bei der (?:nachrichten)?zustellung
    (?:konnte|kann|wurde)n? (?:\S+ ){0,6}nicht (?:an .{1,80} )?(?:zugestellt|ausgeliefert)
    (?:konnte|kann|wurde)n? (?:\S+ ){0,6}nicht (?:an .{1,80} )?(?:zustellen|übermittelt)
    unzustellbar
    empfänger nicht erreicht
    zustellung .{0,60}?fehlgeschlagen
    n'a pas (?:pu (?:être )?|été )(?:remis|livr|distribu|délivr|achemin|envoy)
    échec de (?:la )?(?:remise|livraison|distribution)
    non (?:remis|délivr)
    impossible de (?:remettre|délivrer|distribuer)
    no (?:se )?(?:ha )?(?:podido|pudo)(?: ser)? entrega
    imposible entregar
    error (?:de|en la) entrega
    no (?:se )?(?:ha sido |fue )?entregado
    (?:impossibile|non è stato possibile) (?:recapitare|consegnare)
    (?:recapito|consegna) non riuscit
    mancat[ao] (?:recapito|consegna)
    não (?:foi possível|pôde ser|pode ser) (?:entreg|envi)
    falha na entrega
    niet (?:worden )?(?:bezorgd|afgeleverd)
    bezorging .{0,60}mislukt
    onbestelbaar
    kunde inte (?:levereras|skickas)
    kunne ikke (?:leveres|sendes)
    (?:ikke leverbar|uleverbar)
    ei voitu toimittaa
    toimitus epäonnistui
    nie (?:mogła|można|może|została?)(?: być| było| zostać)? (?:dostarcz|doręcz)
    niedostarcz
    nelze doručit
    nebyl[oa]? (?:možné )?doruč
    nedoručiteln
    nem (?:lehetett|sikerült) kézbesíteni
    kézbesíthetetlen
    (?:teslim edilemedi|iletilemedi)
    nu a putut fi (?:livrat|trimis)
    не (?:может быть|могло быть|было|удалось|вдалося)(?: \w+)? ?достав
    недоставлен
    не доставлено
    δεν (?:ήταν δυνατή|παραδόθηκε|μπόρεσε)
    配[信達送](?:でき|が)ません
    (?:届け|送信|配[信達送])(?:る|する)?(?:こと)?が?(?:でき|られ)ません
    配[信達]に失敗
    送信できません
    配信不能
    届けられません
    お届けできません
    宛先.{0,20}見つかりません
    配信エラー
    グループ.{0,20}存在しない
    退信
    退回
    无法(?:送达|投递|发送|将)
    未能.{0,4}(?:送达|投递|发送)
    投递失败
    發送失敗
    传[送递]失败
    無法(?:傳[送遞]|[遞投]送|投遞|寄達|送達)
    傳[送遞]失敗
    未送達
    (?:전송|배달|전달|발송)(?:되지|하지|에 실패| 실패|할 수 없)
    반송
    nicht zustellbar
    zustell(?:ungs)?fehler
    non (?:è stato|può essere|sarà|è stata) (?:possibile )?(?:recapita|consegna)
    non (?:recapitabil|consegnat|recapitat)
    errore (?:nella|di) consegna
    nie udało się (?:dostarczyć|doręczyć|wysłać)
    błąd (?:doręcz|dostarcz)
    mensaje devuelto
    correo devuelto
    (?:mensagem|e-?mail) .{0,60}?foi devolvid
    devolução de (?:e-?mail|mensagem)
    não (?:foi )?entregue
    доставить .{0,60}?не (?:удалось|удалася|смогли)
    не (?:смогли|удалось|можем|вдалося) .{0,40}?доставить
    доставка .{0,60}?не (?:удалась|выполнена|возможна)
    не (?:был|была|было|удалось|будет) ?достав
    ошибка (?:при )?доставк
    недоставк
    не може да бъде достав
    не беше достав
    (?:gönderilemedi|ulaştırılamadı|teslim edilem)
    ile(?:til|t)em(?:edi|iyor)
    (?:보내|전송되|전달되|배달되|발송되)지 못
    (?:메일|이메일).{0,10}실패
    (?:发送|投递|遞送|寄送|傳送|傳遞|投遞)失[败敗]
    被退(?:回|信)
    被.{0,8}拒收
    返送(?:され|し|いたし)
    配送(?:に)?失敗
    宛先不明
    nepodařilo (?:se )?doručit
    nepodarilo (?:sa )?doručiť
    nedoručiteľn
    nu a fost livrat
    nije (?:bilo )?(?:moguće|isporučen|dostavljen)
    није (?:могуће|испоруч|достав)
    no s'ha pogut (?:lliurar|entregar)
    ni bilo mogoče (?:dostaviti|poslati)
    nepavyko (?:pristatyti|išsiųsti)
    neizdevās (?:piegādāt|nosūtīt)
    ei (?:õnnestunud|saanud) (?:kohale )?toimetada
    (?:skilaboð|póst).{0,40}ekki (?:afhent|skilað)
    αποτυχία παράδοσης
    تعذر (?:تسليم|إرسال|توصيل)
    لم يتم (?:تسليم|إرسال|توصيل)
    فشل (?:في )?(?:تسليم|إرسال|توصيل)
    تحویل داده نشد
    לא (?:נמסר|ניתן (?:היה )?(?:למסור|לשלוח|להעביר))
    không (?:thể )?(?:gửi|chuyển|phân phối)
    ไม่สามารถ(?:จัด)?ส่ง
    (?:tidak (?:dapat|bisa)|gagal) (?:dikirim|terkirim|disampaikan|dihantar)
    वितरित नहीं
"""

SUBJECTS = r"""
    nachricht (?:an|nicht)
    ihre (?:nachricht|e-?mail|mail) .{0,60}nicht
    unzustellbar
    zustell
    mail nicht
    notification d.(?:état|échec)
    échec
    non (?:remis|délivr)
    avis de non
    message (?:non|d.erreur|en attente)
    no se p(?:udo|uede)
    no entregado
    error de entrega
    mensaje (?:no|devuelto)
    mancat[ao]
    recapito
    impossibile
    falha
    não entreg
    mensagem não
    onbestelbaar
    niet bezorgd
    olevererbar
    går inte att
    ej levererat
    uleverbar
    kan ikke leveres
    toimittamaton
    niedostarcz
    niedoręcz
    nedoručiteln
    kézbesíthetetlen
    (?:teslim edilem|iletilem)
    недостав
    не достав
    (?:\S+ )?(?:сообщение|письмо) не
    μη παραδ
    配信(?:不能|でき|エラー|失敗|状況)
    配達(?:でき|不能)
    送信(?:でき|エラー|失敗)
    未配信
    (?:メール)?エラー
    (?:系统|系統)?退信
    退回
    投递失败
    (?:无|無)法
    未送達
    未傳遞
    传递失败
    傳送失敗
    반송
    배달
    전송 ?실패
    votre (?:message|mail|courriel|e-?mail) .{0,60}(?:pas|non)
    courrier (?:retourné|non|électronique non)
    correo (?:devuelto|no)
    error en (?:la|el) en
    su (?:mensaje|correo) no
    mensagem devolvida
    devolução
    (?:erro|falha) (?:de|na|no)
    sua mensagem não
    zwrot
    błąd (?:doręcz|dostarcz)
    nie (?:udało|można)
    ошибка достав
    возврат
    уведомление о не
    лист не
    (?:mesaj|ileti|e-?posta)\S{0,12} .{0,40}(?:teslim edilem|gönderilem|iletilem|ulaştırılam)
    avviso di mancata
    (?:il )?messaggio .{0,40}non
    non (?:recapit|consegn)
    errore (?:nella|di) consegna
    uw (?:bericht|e-?mail) .{0,40}niet
    meddelandet kunde
    (?:din|e-?posten|beskeden|meldingen)\S{0,12} .{0,30}ikke
    viesti\S{0,12} ei
    zprávu se ne
    správu sa ne
    (?:a|az) (?:levél|üzenet) nem
    mesajul nu
    poruka nije
    (?:порука )?није
    no es pot
    αποτυχία παράδ
    (?:تعذر|لم يتم|فشل)
    (?:ההודעה|הודעה) לא
    thư không
    không (?:thể )?gửi
    ไม่สามารถ
    pesan (?:tidak|gagal)
    메일 ?(?:발송|전송|전달|배달)? ?실패
    メール(?:が|を|の)?(?:送信|配信|配達)?(?:エラー|失敗|でき)
    宛先不明
    配送(?:失敗|不能|でき|エラー)
    (?:邮件|郵件|信件).{0,6}失[败敗]
    (?:邮件|郵件|信件)(?:被退|无法|無法|未能)
    (?:remise|livraison) (?:diff|retard)
    entrega (?:retras|demor|atras|adiad)
    consegna (?:ritard|in rit)
    (?:dostarczenie|doręczenie) opóźn
    доставка (?:отлож|задерж)
    teslim\S{0,4} gecik
    (?:配信|配送|配達)(?:の)?(?:遅延|が遅れ)
    (?:邮件|郵件).{0,4}延[迟遲]
    (?:bezorging vertraag|leverans\S{0,3} försen|levering\S{0,3} forsink)
"""

REASON = r"""
    (?:postfach|mailbox) (?:ist )?voll
    (?:empfänger|benutzer|adresse) (?:ist )?(?:unbekannt|ungültig)
    unbekannter (?:empfänger|benutzer)
    (?:adresse|utilisateur|destinataire) (?:inconnue?|inexistante?|invalide)
    boîte .{0,30}(?:pleine|saturée)
    usuario (?:desconocido|inexistente)
    buzón .{0,20}lleno
    (?:usuário|destinatário) (?:desconhecido|inexistente)
    caixa .{0,20}cheia
    utente sconosciuto
    casella .{0,20}piena
    (?:użytkownik|adresat) (?:nieznany|nie istnieje)
    nieznany (?:użytkownik|adresat)
    skrzynka .{0,30}(?:pełna|przepełniona)
    (?:пользовател|адресат|ящик)\S{0,12} .{0,30}?не (?:найден|существует)
    нет такого (?:пользователя|адреса)
    ящик .{0,20}?переполнен
    kullanıcı bulunamadı
    kutusu dolu
    존재하지 않는
    용량.{0,12}초과
    (?:收件人|用户|邮箱|信箱|帳號|地址).{0,50}不存在
    (?:邮箱|信箱|容量).{0,6}[已超][满滿限]
    存在しない
    (?:メールボックス|容量).{0,12}(?:いっぱい|超)
"""
